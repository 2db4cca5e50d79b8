import { isUnavailable } from '../db/sqlstate.ts'

/** Milliseconds between two attempts while the database is away. */
const INTERVAL_MS = 250

export interface WriteQueueOptions {
  /** The most writes that may wait; more are dropped. */
  readonly maxWaiting: number
  /** Called with a write that was dropped, and the error. @default does nothing */
  readonly onGivenUp?: (what: string, error: unknown) => void
}

export interface QueuedWrite {
  /** Names it for the log. */
  readonly what: string
  /** Milliseconds from now after which the write has no use. */
  readonly usefulForMs: number
  /** May be run more than once. */
  write(): Promise<unknown>
}

interface Waiting extends QueuedWrite {
  readonly until: number
}

/**
 * Queues small writes about ended calls that failed because the database was away, and makes them in order as soon as it
 * is back.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions
  readonly #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: WriteQueueOptions) {
    this.#options = options
  }

  /** Whether writes wait for the database. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  add(late: QueuedWrite): void {
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

  /** Makes the writes one after the other, as long as the database is there. */
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
