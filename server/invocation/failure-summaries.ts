import type { Logger } from 'pino'
import type { Database, Statement } from '../db/database.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import type { WriteQueue } from './write-queue.ts'

/** Failing calls of one user, action and code that have no rows of their own. */
export interface FailureSummary {
  readonly id: string
  /** When they were counted last, as ISO 8601. */
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly outcome: string
  readonly duration_ms: number
  readonly calls: number
}

export interface FailureSummariesOptions {
  readonly database: Pick<Database, 'write'>
  readonly auditRowQueue: WriteQueue
  readonly log: Logger
}

/** How long summaries wait for a database that is away. */
const LATE_SUMMARY_MS = 600_000
const MAX_ROWS = 500

const SUMMARIES = `
  insert into deputy.audit_log (id, at, actor, request_id, transport, action, outcome, attempts, duration_ms, input_hash,
    writes, write_count, payers, cost, source, calls)
  select id, at, actor, id, 'internal', action, outcome, 0, duration_ms, null, '[]', 0, '{}', null, 'client', calls
  from json_to_recordset($1::text::json) as each (id text, at timestamptz, actor text, action text, outcome text,
    duration_ms int, calls int)
  on conflict do nothing`

/** Writes summaries into the audit: many by a statement, and one statement at a time, however many end at once. */
export class FailureSummaries {
  readonly #options: FailureSummariesOptions
  #waiting: FailureSummary[] = []
  #writing: Promise<void> | undefined

  constructor(options: FailureSummariesOptions) {
    this.#options = options
  }

  add(summary: FailureSummary): void {
    this.#waiting.push(summary)
    this.#writing ??= this.#writeAll()
  }

  /** Waits until all that were added are written, or wait for a database that is away. */
  async settle(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    // Those that end in the same moment go together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const [rows, rest] = [this.#waiting.slice(0, MAX_ROWS), this.#waiting.slice(MAX_ROWS)]
      this.#waiting = rest
      await this.#write(rows)
    }
    this.#writing = undefined
  }

  async #write(rows: readonly FailureSummary[]): Promise<void> {
    const { database, auditRowQueue, log } = this.#options
    const statement: Statement = { sql: SUMMARIES, params: [JSON.stringify(rows)] }
    const write = () => database.write(statement)
    try {
      await write()
    } catch (error) {
      const what = `${rows.length} summaries, ${rows[0]?.id} the first`
      if (isUnavailable(error)) auditRowQueue.add({ what, usefulForMs: LATE_SUMMARY_MS, write })
      // One that cannot be written costs none of the others.
      else if (rows.length > 1) for (const row of rows) await this.#write([row])
      else log.error({ err: error }, 'The audit row of calls that have failed could not be written')
    }
  }
}
