import { AcquireTimeout, type Lease, type Session } from './database.ts'

export interface PoolOptions {
  /** Makes a session; it may connect lazily. */
  readonly connect: () => Session
  /** The most connections at once. */
  readonly max: number
  /** How long a caller waits for a free connection. */
  readonly acquireTimeoutMs: number
}

const MAX_WAITING = 1_000

interface Waiter {
  readonly resolve: (lease: Lease) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/**
 * Hands out sessions, first come first served.
 *
 * Each session is a single connection that is never reconnected: a session whose connection died is
 * discarded, so that no statement of a dead transaction can reach another connection.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #idle: Session[] = []
  readonly #waiting: Waiter[] = []
  readonly #leased = new Set<Session>()
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  acquire(): Promise<Lease> {
    if (this.#closed) return Promise.reject(new AcquireTimeout('The database pool is closed'))
    const session = this.#take()
    if (session) return Promise.resolve(this.#lease(session))
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new AcquireTimeout(`${MAX_WAITING} calls wait for a database connection already`))
    }
    return new Promise((resolve, reject) => {
      const { acquireTimeoutMs, max } = this.#options
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(
          new AcquireTimeout(
            `No database connection became free in ${acquireTimeoutMs} ms; all ${max} are in use`,
          ),
        )
      }, acquireTimeoutMs)
      const waiter: Waiter = { resolve, reject, timer }
      this.#waiting.push(waiter)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const waiter of this.#waiting.splice(0)) {
      clearTimeout(waiter.timer)
      waiter.reject(new AcquireTimeout('The database pool is closed'))
    }
    await Promise.all([...this.#idle.splice(0), ...this.#leased].map((session) => session.close()))
  }

  #take(): Session | undefined {
    for (let session = this.#idle.pop(); session; session = this.#idle.pop()) {
      if (!session.broken) return session
    }
    return this.#leased.size < this.#options.max ? this.#options.connect() : undefined
  }

  #lease(session: Session): Lease {
    this.#leased.add(session)
    let released = false
    return {
      session,
      release: () => {
        if (released) return
        released = true
        this.#giveBack(session)
      },
    }
  }

  #giveBack(session: Session): void {
    this.#leased.delete(session)
    if (this.#closed || session.broken) void session.close()
    else this.#idle.push(session)
    if (this.#closed || this.#waiting.length === 0) return
    const next = this.#take()
    const waiter = next && this.#waiting.shift()
    if (!next || !waiter) return
    clearTimeout(waiter.timer)
    waiter.resolve(this.#lease(next))
  }
}
