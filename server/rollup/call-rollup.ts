import type { Logger } from 'pino'
import type { AuditOutcome } from '../audit/outcome.ts'
import { KnownNames } from '../core/known-names.ts'
import type { Database } from '../db/database.ts'
import { bucketOf, DURATION_ENDS_MS } from './durations.ts'

/** How often counts are written, and so how much of them a crash costs. */
const WRITE_EVERY_MS = 5_000
/** Counts of one minute, action and outcome that wait for a database that is away. */
const MAX_WAITING = 10_000
const MINUTE_MS = 60_000

/** Calls of one minute, action and outcome. */
interface Counted {
  readonly minute: string
  readonly action: string
  readonly outcome: string
  calls: number
  /** By bucket of `DURATION_ENDS_MS`. */
  readonly durations: number[]
}

// In the order of the key: two servers wait for each other, and cannot lock each other out. The counts of servers whose
// versions have other buckets add up all the same.
const WRITE = `
  insert into deputy.call_minutes as it (minute, action, outcome, calls, durations)
  select minute, action, outcome, calls, durations from json_to_recordset($1::text::json)
    as each (minute timestamptz, action text, outcome text, calls bigint, durations int[])
  order by minute, action, outcome
  on conflict (minute, action, outcome) do update set calls = it.calls + excluded.calls, durations = (
    select array_agg(coalesce(mine, 0) + coalesce(other, 0) order by nth)
    from unnest(it.durations, excluded.durations) with ordinality as both_of (mine, other, nth))`

export interface CallRollupOptions {
  readonly database: Pick<Database, 'write'>
  readonly clock: () => Date
  readonly log: Pick<Logger, 'warn'>
}

/**
 * Counts calls by minute, action and outcome, and adds the counts to those of all servers of the database: beside the
 * calls, never in their transactions. What was not written yet is lost with the process. Nothing is counted before
 * `start`.
 */
export class CallRollup {
  readonly #options: CallRollupOptions
  readonly #names = new KnownNames()
  #counted = new Map<string, Counted>()
  #minute = { startMs: Number.NaN, name: '' }
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #lost = 0

  constructor(options: CallRollupOptions) {
    this.#options = options
  }

  /** Says what actions and procedures there are: others are counted as `unknown`. */
  know(names: Iterable<string>): void {
    this.#names.add(names)
  }

  /** Counts from now on, and writes the counts every few seconds. */
  start(): void {
    this.#timer ??= setInterval(() => void this.write(), WRITE_EVERY_MS).unref()
  }

  /** Counts a call that has ended. */
  add(name: string, outcome: AuditOutcome, durationMs: number): void {
    if (!this.#timer) return
    const counted = this.#entry({ minute: this.#minuteNow(), action: this.#names.of(name), outcome })
    if (!counted) {
      this.#lost += 1
      return
    }
    counted.calls += 1
    const bucket = bucketOf(durationMs)
    counted.durations[bucket] = (counted.durations[bucket] ?? 0) + 1
  }

  /** Writes what was counted. Never throws: what cannot be written is written with what comes next. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeAll())
    return this.#writing
  }

  /** Writes the last counts. To be awaited before the database is closed. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.write()
  }

  async #writeAll(): Promise<void> {
    const counted = this.#counted
    if (counted.size === 0) return
    this.#counted = new Map()
    try {
      await this.#options.database.write({ sql: WRITE, params: [JSON.stringify([...counted.values()])] })
      if (this.#lost > 0) this.#options.log.warn({ calls: this.#lost }, 'Calls are missing in the rollup')
      this.#lost = 0
    } catch (error) {
      this.#options.log.warn({ err: error }, 'Calls could not be counted in the database; it is tried again')
      for (const each of counted.values()) this.#putBack(each)
    }
  }

  /** Names the minute that it is; all calls of it have one name. */
  #minuteNow(): string {
    const nowMs = this.#options.clock().getTime()
    const startMs = nowMs - (nowMs % MINUTE_MS)
    if (startMs !== this.#minute.startMs) this.#minute = { startMs, name: new Date(startMs).toISOString() }
    return this.#minute.name
  }

  #putBack({ calls, durations, ...key }: Counted): void {
    const counted = this.#entry(key)
    if (!counted) {
      this.#lost += calls
      return
    }
    counted.calls += calls
    for (const [bucket, count] of durations.entries())
      counted.durations[bucket] = (counted.durations[bucket] ?? 0) + count
  }

  #entry(of: Pick<Counted, 'minute' | 'action' | 'outcome'>): Counted | undefined {
    const key = `${of.minute} ${of.outcome} ${of.action}`
    const known = this.#counted.get(key)
    if (known || this.#counted.size >= MAX_WAITING) return known
    const counted: Counted = { ...of, calls: 0, durations: DURATION_ENDS_MS.map(() => 0) }
    this.#counted.set(key, counted)
    return counted
  }
}
