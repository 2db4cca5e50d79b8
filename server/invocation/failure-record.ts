import type { Logger } from 'pino'
import { type FailedCall, type FailureCount, FailureSamples } from '../audit/failure-samples.ts'
import { addressKey } from '../auth/client-address.ts'
import type { Observer } from '../core/observer.ts'
import { uuidv7 } from '../core/uuid.ts'
import type { Database } from '../db/database.ts'
import { FailureSummaries } from './failure-summaries.ts'
import type { WriteQueue } from './write-queue.ts'

export interface FailureRecordOptions {
  readonly database: Pick<Database, 'write'>
  readonly auditRowQueue: WriteQueue
  readonly clock: () => Date
  readonly log: Logger
  readonly observer: Observer | undefined
  /** How many failing calls of one caller a minute have a row and a line of their own. */
  readonly whole: number
}

/** Records failing calls: whole, or in a summary of a minute, which has a row of the audit and a line in the log. */
export class FailureRecord {
  readonly #options: FailureRecordOptions
  readonly #samples: FailureSamples
  readonly #summaries: FailureSummaries

  constructor(options: FailureRecordOptions) {
    this.#options = options
    this.#samples = new FailureSamples({ whole: options.whole, onCounted: (count) => this.#summarize(count) })
    this.#summaries = new FailureSummaries(options)
  }

  /** Whether a failing call has a row and a line of its own; if not, it is counted. */
  isWhole(call: FailedCall): boolean {
    return this.#samples.isWhole(call)
  }

  /** Counts a failing call that is to have neither. */
  count(call: FailedCall): void {
    this.#samples.count(call)
  }

  /** Writes what was only counted until now. To be awaited before the database is closed. */
  async stop(): Promise<void> {
    this.#samples.endAll()
    await this.#summaries.settle()
  }

  #summarize({ userId, caller, action, code, calls, windowMs }: FailureCount): void {
    const { log, observer } = this.#options
    log.info(
      { actor: userId ?? caller, action, code, calls },
      'Calls that have failed and have no line of their own',
    )
    // Callers without a token have no rows.
    if (userId === undefined) return
    observer?.auditRowsSampled(calls)
    const at = this.#options.clock().toISOString()
    this.#summaries.add({
      id: uuidv7(),
      at,
      actor: userId,
      action,
      outcome: code,
      duration_ms: windowMs,
      calls,
    })
  }
}

/** Whose failures those of an address are counted with. */
export function failingAddress(ip: string | undefined): string {
  return `address ${ip === undefined ? 'unknown' : addressKey(ip)}`
}
