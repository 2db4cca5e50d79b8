import type { Logger } from 'pino'

const TELL_INTERVAL_MS = 60_000

/** Keeps what observes calls, such as metrics and spans, from failing what it observes. */
export class ObservationFaults {
  readonly #log: Pick<Logger, 'error'>
  readonly #now: () => number
  #untold = 0
  #toldAt: number | undefined

  /** @param now the time, in milliseconds */
  constructor(log: Pick<Logger, 'error'>, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  /** Observes something. @returns `otherwise` where that throws */
  guard<T>(what: string, observe: () => T, otherwise: T): T {
    try {
      return observe()
    } catch (error) {
      this.note(what, error)
      return otherwise
    }
  }

  /** Tells of a fault in the log: of the first at once, then once a minute. Never throws. */
  note(what: string, error: unknown): void {
    this.#untold += 1
    const now = this.#now()
    if (this.#toldAt !== undefined && now - this.#toldAt < TELL_INTERVAL_MS) return
    const count = this.#untold
    this.#toldAt = now
    this.#untold = 0
    try {
      this.#log.error(
        { err: error, what, count },
        'What observes calls has thrown; the calls go on without it',
      )
    } catch {
      // A log that throws observes as well.
    }
  }
}
