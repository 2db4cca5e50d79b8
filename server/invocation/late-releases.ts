import type { Database } from '../db/database.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import { type ReleaseOptions, releaseKey } from './idempotency.ts'

/** How often it is tried while the database is away. */
const INTERVAL_MS = 250
/** More than this are left to the ends of their leases. */
const MAX_WAITING = 10_000

interface Waiting {
  readonly options: ReleaseOptions
  /** From then on its lease has ended by itself. */
  readonly until: number
}

/**
 * Idempotency keys of calls that have failed because the database went away, which could not be given back for the
 * same reason: they are as soon as it is back, so that nobody who repeats such a call waits for the end of a lease.
 */
export class LateReleases {
  readonly #database: Database
  readonly #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(database: Database) {
    this.#database = database
  }

  add(options: ReleaseOptions, leaseMs: number): void {
    if (this.#waiting.length >= MAX_WAITING) return
    this.#waiting.push({ options, until: performance.now() + leaseMs })
    this.#schedule()
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      void this.#releaseAll().finally(() => {
        this.#timer = undefined
        if (this.#waiting.length > 0) this.#schedule()
      })
    }, INTERVAL_MS).unref()
  }

  /** One after the other, as long as the database is there. */
  async #releaseAll(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting
      if (!next) return
      try {
        if (next.until > performance.now()) await releaseKey(this.#database, next.options)
        this.#waiting.shift()
      } catch (error) {
        if (isUnavailable(error)) return
        this.#waiting.shift()
      }
    }
  }
}
