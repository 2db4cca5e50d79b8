import {
  AcquireTimeout,
  ConnectionLost,
  type Lease,
  type PoolLoad,
  type QueryResult,
  type Session,
  type Statement,
} from './database.ts'

export interface PoolOptions {
  /** Makes a session; it may connect lazily. */
  readonly connect: () => Session
  /** The most connections at once. */
  readonly max: number
  /** How long a caller waits for a free connection. */
  readonly acquireTimeoutMs: number
  /** How long a session is used at most; up to a fifth less, so that not all end together. @default for ever */
  readonly maxLifeMs?: number
  /** The time, in milliseconds. @default the machine's */
  readonly now?: () => number
}

const MAX_WAITING = 1_000
const JITTER = 0.2

interface Waiter {
  readonly resolve: (lease: Lease) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
  readonly sinceMs: number
}

/**
 * Hands out sessions, first come first served.
 *
 * Each session is a single connection that is never reconnected: a session whose connection died is
 * discarded, so that no statement of a dead transaction can reach another connection.
 */
export class Pool implements PoolLoad {
  readonly #options: PoolOptions
  readonly #idle: Session[] = []
  readonly #waiting: Waiter[] = []
  readonly #leased = new Set<Session>()
  /** When each has to be replaced. */
  readonly #ends = new WeakMap<Session, number>()
  /** How many take the place of others, and are not yet among the idle. */
  #replacing = 0
  #closed = false
  #onAcquired: ((waitedMs: number) => void) | undefined

  constructor(options: PoolOptions) {
    this.#options = options
  }

  get max(): number {
    return this.#options.max
  }

  get leased(): number {
    return this.#leased.size
  }

  get idle(): number {
    return this.#idle.length
  }

  get waiting(): number {
    return this.#waiting.length
  }

  onAcquired(listener: (waitedMs: number) => void): void {
    this.#onAcquired = listener
  }

  acquire(): Promise<Lease> {
    if (this.#closed) return Promise.reject(new AcquireTimeout('The database pool is closed'))
    const session = this.#take()
    if (session) {
      this.#onAcquired?.(0)
      return Promise.resolve(this.#lease(session))
    }
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
      const waiter: Waiter = { resolve, reject, timer, sinceMs: performance.now() }
      this.#waiting.push(waiter)
    })
  }

  /** Runs one reading statement without a transaction. */
  async query(statement: Statement): Promise<QueryResult> {
    const lease = await this.acquire()
    try {
      return await lease.session.query(statement)
    } finally {
      lease.release()
    }
  }

  /** Runs one writing statement in a transaction of its own. */
  async write(statement: Statement): Promise<QueryResult> {
    const [answer] = await writeTogether(await this.acquire(), [statement])
    if (!answer) throw new Error('A statement that was committed has no answer')
    return answer
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
      void session.close()
    }
    return this.#leased.size + this.#replacing < this.#options.max ? this.#connect() : undefined
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

  #connect(): Session {
    const session = this.#options.connect()
    const { maxLifeMs = Number.POSITIVE_INFINITY } = this.#options
    this.#ends.set(session, this.#now() + maxLifeMs * (1 - Math.random() * JITTER))
    return session
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now()
  }

  #giveBack(session: Session): void {
    this.#leased.delete(session)
    if (this.#closed || session.broken) void session.close()
    else if (this.#isDue(session)) this.#replace(session)
    else {
      session.clean()
      this.#idle.push(session)
      this.#replaceOldest()
    }
    this.#serveNext()
  }

  #serveNext(): void {
    if (this.#closed || this.#waiting.length === 0) return
    const next = this.#take()
    const waiter = next && this.#waiting.shift()
    if (!next || !waiter) return
    clearTimeout(waiter.timer)
    this.#onAcquired?.(performance.now() - waiter.sinceMs)
    waiter.resolve(this.#lease(next))
  }

  #isDue(session: Session): boolean {
    return session.isWorn || this.#now() >= (this.#ends.get(session) ?? Number.POSITIVE_INFINITY)
  }

  /** Those at the end of the line may not be used for long, and keep what they have in memory. */
  #replaceOldest(): void {
    const [oldest] = this.#idle
    if (!oldest || !this.#isDue(oldest)) return
    this.#idle.shift()
    this.#replace(oldest)
  }

  /** Closes a session, and has another one ready in its place, so that no caller waits for it to connect. */
  #replace(session: Session): void {
    void session.close()
    const next = this.#connect()
    this.#replacing += 1
    void next
      .start()
      .catch(() => {})
      .then(() => {
        this.#replacing -= 1
        if (next.broken || this.#closed) void next.close()
        else this.#idle.push(next)
        this.#serveNext()
      })
  }
}

/**
 * Runs writing statements in one transaction, all of them sent at once, and gives the connection back. With an error
 * none was committed, or, where the connection is lost, no one knows.
 */
export async function writeTogether(
  lease: Lease,
  statements: readonly Statement[],
): Promise<readonly QueryResult[]> {
  const { session } = lease
  try {
    const parts = await Promise.allSettled([
      session.beginWrite(),
      Promise.all(statements.map((statement) => session.query(statement))),
      session.control('commit'),
    ])
    // The first that failed says why; those after it were refused for it.
    for (const part of parts) if (part.status === 'rejected') throw part.reason
    const [, answers, committed] = parts
    if (
      answers.status !== 'fulfilled' ||
      committed.status !== 'fulfilled' ||
      committed.value.command !== 'COMMIT'
    )
      throw new ConnectionLost('Statements were not committed')
    return answers.value
  } finally {
    lease.release()
  }
}
