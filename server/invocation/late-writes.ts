import { isUnavailable } from '../db/sqlstate.ts'

/** How often it is tried while the database is away. */
const INTERVAL_MS = 250

export interface LateWritesOptions {
  /** Writes that may wait at a time; what comes beyond is given up. */
  readonly maxWaiting: number
  /** Called with a write that was given up, and why where the database said so. @default does nothing */
  readonly onGivenUp?: (what: string, error: unknown) => void
}

export interface LateWrite {
  /** Names it for the log. */
  readonly what: string
  /** Milliseconds from now after which it is of no use. */
  readonly usefulForMs: number
  /** May be run more than once. */
  write(): Promise<unknown>
}

interface Waiting extends LateWrite {
  readonly until: number
}

/**
 * Small writes about calls that have ended, which could not be made because the database was away: they are made in
 * their order as soon as it is back.
 */
export class LateWrites {
  readonly #options: LateWritesOptions
  readonly #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: LateWritesOptions) {
    this.#options = options
  }

  /** Whether the database was away when it was last asked. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  add(late: LateWrite): void {
    if (this.#waiting.length >= this.#options.maxWaiting) {
      this.#options.onGivenUp?.(late.what, new Error('Too many wait for the database already'))
      return
    }
    this.#waiting.push({ ...late, until: performance.now() + late.usefulForMs })
    this.#schedule()
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      void this.#writeAll().finally(() => {
        this.#timer = undefined
        if (this.#waiting.length > 0) this.#schedule()
      })
    }, INTERVAL_MS).unref()
  }

  /** One after the other, as long as the database is there. */
  async #writeAll(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting
      if (!next) return
      try {
        if (next.until > performance.now()) await next.write()
        else this.#options.onGivenUp?.(next.what, new Error('The database was away for too long'))
        this.#waiting.shift()
      } catch (error) {
        if (isUnavailable(error)) return
        this.#options.onGivenUp?.(next.what, error)
        this.#waiting.shift()
      }
    }
  }
}
