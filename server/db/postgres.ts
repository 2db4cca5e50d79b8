import { connect, Socket } from 'node:net'
import postgres from 'postgres'
import { requestCancel, type SocketTarget } from './cancel-request.ts'
import {
  type BeginOptions,
  ConnectionLost,
  type Database,
  type QueryResult,
  type Session,
  SqlError,
  type Statement,
} from './database.ts'
import { Pool } from './pool.ts'
import { PostgresAnswer } from './postgres-answer.ts'
import { Semaphore } from './semaphore.ts'
import { readOnce, writeOnce } from './single-statement.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string
  /** The most connections at once. @default 10 */
  readonly max?: number
  /** How long a call waits for a free connection. @default 5000 */
  readonly acquireTimeoutMs?: number
  /**
   * How long BEGIN, COMMIT, ROLLBACK and statements without a transaction may stay unanswered before the
   * connection counts as lost. Statements in a transaction have the deadline of their call. @default 30000
   */
  readonly answerTimeoutMs?: number
}

/** How long a statement without a transaction may take; one in a transaction has the deadline of its call. */
const STATEMENT_TIMEOUT_MS = 10_000
/** A call whose time is over by so much less than that leaves the session's own timeout alone. */
const USUAL_MOMENT_MS = 500
/** How many distinct statements a connection keeps prepared; beyond it they are sent unnamed. */
const MAX_PREPARED = 500
const CONNECT_TIMEOUT_S = 5
const RAW_TYPES = [114, 3802, 1184, 1082, 1083, 1114, 1182, 1185, 1115, 1231]

/** Opens a PostgreSQL server (15 or newer). Connects when first used. */
export function openPostgres(options: PostgresOptions): Database {
  if (new URL(options.url).host.includes(',')) throw new Error('The URL of the database must name one host')
  const max = options.max ?? 10
  const pool = new Pool({
    connect: () => new PostgresSession(options.url, options.answerTimeoutMs ?? 30_000),
    max,
    acquireTimeoutMs: options.acquireTimeoutMs ?? 5_000,
  })
  const query = async (statement: Statement) => readOnce(await pool.acquire(), statement)
  return {
    kind: 'postgres',
    location: withoutPassword(options.url),
    acquire: () => pool.acquire(),
    query,
    turnWaiters: new Semaphore(Math.max(1, Math.floor(max / 2))),
    write: async (statement) => writeOnce(await pool.acquire(), statement),
    ping: (timeoutMs) => answersWithin(query({ sql: 'select 1', params: [] }), timeoutMs),
    close: () => pool.close(),
  }
}

/** One postgres.js client of one connection, dead for good once that connection has closed. */
class PostgresSession implements Session {
  broken = false
  readonly #client: postgres.Sql
  readonly #answerTimeoutMs: number
  readonly #prepared = new Set<string>()
  #socket: Socket | undefined
  /** Whom to name in a request to cancel. */
  #backend: { readonly pid: number; readonly secret: number } | undefined
  #unanswered = 0
  #inTransaction = false

  constructor(url: string, answerTimeoutMs: number) {
    this.#answerTimeoutMs = answerTimeoutMs
    const settings = {
      max: 1,
      socket: (target: SocketTarget) => this.#connect(target),
      fetch_types: false,
      connect_timeout: CONNECT_TIMEOUT_S,
      max_lifetime: null,
      onnotice: () => {},
      onclose: () => {
        this.broken = true
      },
      connection: {
        application_name: 'deputy',
        // A statement that escaped its transaction could only read.
        default_transaction_read_only: true,
        statement_timeout: STATEMENT_TIMEOUT_MS,
        // A sequential scan of a small table locks all of it for SERIALIZABLE: false conflicts.
        // (As text: postgres.js does not send what is falsy.)
        enable_seqscan: 'off',
        // With it off, a statement without an index looks so costly that it would be compiled first: 100 ms.
        jit: 'off',
        // Old dates in a named zone come with an offset in seconds, which a Date cannot read.
        TimeZone: 'UTC',
      },
    }
    this.#client = postgres(url, settings)
    // Drizzle's columns read and write these types as text; postgres.js would convert them before.
    for (const type of RAW_TYPES) {
      this.#client.options.parsers[type] = (value: string) => value
      this.#client.options.serializers[type] = (value: unknown) => value
    }
  }

  query(statement: Statement): Promise<QueryResult> {
    const prepare = this.#prepared.has(statement.sql) || this.#prepared.size < MAX_PREPARED
    if (prepare) this.#prepared.add(statement.sql)
    return this.#run(
      this.#client.unsafe(
        statement.sql,
        statement.params as postgres.ParameterOrJSON<never>[],
        {
          prepare,
          // The extended protocol takes a single statement: nothing can be smuggled in behind it.
          simple: false,
        } as postgres.UnsafeQueryOptions,
      ),
      this.#inTransaction ? undefined : this.#answerTimeoutMs,
    )
  }

  begin(options: BeginOptions): Promise<QueryResult> {
    const mode = options.readOnly ? 'read only' : 'read write'
    const timeoutMs = Math.max(1, Math.ceil(options.statementTimeoutMs))
    // Mostly it is the session's own, less a moment; whose call this is cancels what runs at its deadline anyway.
    const isUsual = timeoutMs <= STATEMENT_TIMEOUT_MS && timeoutMs > STATEMENT_TIMEOUT_MS - USUAL_MOMENT_MS
    const limit = isUsual ? '' : `; set local statement_timeout = ${timeoutMs}`
    const begun = this.control(`begin isolation level serializable ${mode}${limit}`)
    this.#inTransaction = true
    return begun
  }

  beginWrite(): Promise<QueryResult> {
    return this.control('begin isolation level read committed read write')
  }

  control(text: string): Promise<QueryResult> {
    this.#inTransaction = false
    return this.#run(this.#client.unsafe(text), this.#answerTimeoutMs)
  }

  /**
   * A connection whose statement was cancelled is not used again: the request travels beside it, and could
   * reach the next statement instead.
   */
  cancel(): void {
    if (this.#unanswered === 0 || this.broken) return
    this.broken = true
    if (this.#backend) requestCancel(this.#client.options as SocketTarget, this.#backend)
  }

  async close(): Promise<void> {
    // Nothing is said any more on one that is lost, and its backend may hold locks until it hears of that.
    if (this.broken) this.#socket?.destroy()
    this.broken = true
    await this.#client.end({ timeout: 1 })
    this.#socket?.destroy()
  }

  /** Connects, once: postgres.js would reconnect to send what is queued, and a dead transaction's statement with it. */
  #connect({ path, host, port }: SocketTarget): Socket {
    if (this.#socket) {
      this.broken = true
      const refused = new Socket()
      setImmediate(() => refused.destroy(new Error('A session does not reconnect')))
      return refused
    }
    this.#socket = path ? connect(path) : connect(port[0] ?? 5432, host[0])
    return Object.assign(this.#socket, { host: host[0] }) // TLS checks the certificate against it.
  }

  #lose(): void {
    this.broken = true
    this.#socket?.destroy()
  }

  #run(query: postgres.PendingQuery<postgres.Row[]>, timeoutMs: number | undefined): Promise<QueryResult> {
    if (this.broken) return Promise.reject(new ConnectionLost('The database connection was closed'))
    this.#unanswered += 1
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#lose(), timeoutMs)
    const isAnswered = () => {
      this.#unanswered -= 1
      clearTimeout(timer)
    }
    // Not awaited: postgres.js has a promise of its own, for which `await` makes two more.
    return query.values().then(
      (answer) => {
        isAnswered()
        this.#backend = answer.state
        return new PostgresAnswer(answer)
      },
      (error: unknown) => {
        isAnswered()
        throw this.#translate(error)
      },
    )
  }

  #translate(error: unknown): Error {
    if (error instanceof postgres.PostgresError) {
      // The server closes the connection after it; nothing more may be sent on it. A function of the app can raise
      // the same codes, which closes nothing.
      if (/FATAL|PANIC/.test(`${error.severity} ${error.severity_local}`)) this.broken = true
      return new SqlError({
        sqlstate: error.code,
        table: error.table_name,
        column: error.column_name,
        constraint: error.constraint_name,
        routine: error.routine,
        message: error.message,
      })
    }
    this.broken = true
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
    return new ConnectionLost(`The database connection failed (${code})`, { cause: error })
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

function withoutPassword(url: string): string {
  const parsed = new URL(url)
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}
