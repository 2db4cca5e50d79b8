import { connectionOf, locationOf } from './connection-string.ts'
import { type Database, type Session, SqlError, type Statement } from './database.ts'
import { HostChoice } from './host-choice.ts'
import { Pool } from './pool.ts'
import { PooledSession } from './pooled-session.ts'
import type { PoolerMode } from './pooler-mode.ts'
import { PostgresSession } from './postgres-session.ts'
import { Semaphore } from './semaphore.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string
  /** What is in front of the database. @default none */
  readonly pooler?: PoolerMode
  /**
   * Told when it turns out that a pooler in transaction mode is there after all. From then on connections are used as
   * such a pooler needs it. @default then what meets it fails, each time
   */
  readonly onPoolerFound?: () => void
  /** The most connections at once. @default 10 */
  readonly max?: number
  /** How long a call waits for a free connection. @default 5000 */
  readonly acquireTimeoutMs?: number
  /**
   * How long BEGIN, COMMIT, ROLLBACK and statements without a transaction may stay unanswered before the
   * connection counts as lost. Statements in a transaction have the deadline of their call. @default 30000
   */
  readonly answerTimeoutMs?: number
  /** How long a connection is used at most; up to a fifth less, so that not all end together. @default 30 minutes */
  readonly maxLifeMs?: number
  /** The time, in milliseconds. @default the machine's */
  readonly now?: () => number
}

const MAX_LIFE_MS = 30 * 60_000
/** How often a statement without a transaction is sent in all. */
const MAX_TRIES = 3

/** Opens a PostgreSQL server (15 or newer). Connects when first used. */
export function openPostgres(options: PostgresOptions): Database {
  const connection = connectionOf(options.url)
  const max = options.max ?? 10
  const sessions = sessionsOf(options)
  const pool = new Pool({
    connect: sessions.open,
    max,
    acquireTimeoutMs: options.acquireTimeoutMs ?? 5_000,
    maxLifeMs: options.maxLifeMs ?? MAX_LIFE_MS,
    ...(options.now && { now: options.now }),
  })
  const query = (statement: Statement) => unlessOutdated(() => pool.query(statement))
  const turnWaiters = new Semaphore(Math.max(1, Math.floor(max / 2)))
  return {
    kind: 'postgres',
    location: locationOf(connection),
    acquire: () => pool.acquire(),
    load: pool,
    query,
    connections: max,
    get turnWaiters() {
      return sessions.areOwn ? turnWaiters : undefined
    },
    jobTransactions: new Semaphore(Math.max(1, Math.floor(max / 2))),
    write: (statement) => unlessOutdated(() => pool.write(statement)),
    ping: (timeoutMs) => answersWithin(query({ sql: 'select 1', params: [] }), timeoutMs),
    close: () => pool.close(),
  }
}

/** Makes the sessions of a pool, of the kind that what is in front of the database needs. */
function sessionsOf({ url, pooler = 'none', onPoolerFound, answerTimeoutMs = 30_000 }: PostgresOptions) {
  const connection = connectionOf(url)
  const hosts = connection.others.length > 0 ? new HostChoice(connection) : undefined
  const schema = { changes: 0 }
  const shared = { connection, hosts, answerTimeoutMs }
  const sessions = {
    /** Whether a connection has a backend of its own. */
    areOwn: pooler !== 'transaction',
    open(): Session {
      if (!sessions.areOwn) return new PooledSession(shared)
      return new PostgresSession({ ...shared, schema, kind: sessions, onForeignBackend })
    },
  }
  const onForeignBackend = () => {
    if (!sessions.areOwn || !onPoolerFound) return
    sessions.areOwn = false
    onPoolerFound()
  }
  return sessions
}

/** Runs a statement again that came to nothing because it has to be prepared again. */
async function unlessOutdated<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await run()
    } catch (error) {
      if (tries === MAX_TRIES || !(error instanceof SqlError && error.isOutdated)) throw error
    }
  }
}

/** Whether a query succeeds before the time is over. Its failure is the answer, not an error. */
export async function answersWithin(query: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false)
  })
  const answered = query.then(
    () => true,
    () => false,
  )
  try {
    return await Promise.race([answered, timeout])
  } finally {
    clearTimeout(timer)
  }
}
