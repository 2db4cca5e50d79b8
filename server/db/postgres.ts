import { randomUUID } from 'node:crypto'
import { connect, Socket } from 'node:net'
import postgres from 'postgres'
import { readOnce, writeOnce } from './autocommit.ts'
import { requestCancel, type SocketTarget } from './cancel-request.ts'
import { type ConnectionOptions, connectionOf, driverOptions, locationOf } from './connection-string.ts'
import {
  type BeginOptions,
  ConnectionLost,
  type Database,
  type QueryResult,
  type Session,
  SqlError,
  type Statement,
} from './database.ts'
import { HostChoice } from './host-choice.ts'
import { Pool } from './pool.ts'
import { PostgresAnswer, type PostgresRows } from './postgres-answer.ts'
import { PreparedStatements } from './prepared-statements.ts'
import { Semaphore } from './semaphore.ts'
import {
  isConfirmed,
  resetStatement,
  type SessionSettings,
  SHOW_SESSION,
  settingStatement,
} from './session-state.ts'

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
  /** How long a connection is used at most; up to a fifth less, so that not all end together. @default 30 minutes */
  readonly maxLifeMs?: number
  /** The time, in milliseconds. @default the machine's */
  readonly now?: () => number
}

/** How long a statement without a transaction may take; one in a transaction has the deadline of its call. */
const STATEMENT_TIMEOUT_MS = 10_000
/** A call whose time is over by so much less than that leaves the session's own timeout alone. */
const USUAL_MOMENT_MS = 500
const MAX_LIFE_MS = 30 * 60_000
/**
 * What a prepared statement that has worked before fails with when it is gone, or when a table that it names was
 * altered since: prepared again, it may work.
 */
const CHANGED = new Set(['0A000', '26000', '42703', '42804', '42883', '42P01', '42P05'])
/** How often a statement without a transaction is sent in all. */
const MAX_TRIES = 3
/** read_only_sql_transaction */
const READ_ONLY = '25006'
const RAW_TYPES = [114, 3802, 1184, 1082, 1083, 1114, 1182, 1185, 1115, 1231]

/** Opens a PostgreSQL server (15 or newer). Connects when first used. */
export function openPostgres(options: PostgresOptions): Database {
  const connection = connectionOf(options.url)
  const max = options.max ?? 10
  const schema = { changes: 0 }
  const hosts = connection.others.length > 0 ? new HostChoice(connection) : undefined
  const pool = new Pool({
    connect: () => new PostgresSession(connection, options.answerTimeoutMs ?? 30_000, schema, hosts),
    max,
    acquireTimeoutMs: options.acquireTimeoutMs ?? 5_000,
    maxLifeMs: options.maxLifeMs ?? MAX_LIFE_MS,
    ...(options.now && { now: options.now }),
  })
  const query = (statement: Statement) =>
    unlessOutdated(async () => readOnce(await pool.acquire(), statement))
  return {
    kind: 'postgres',
    location: locationOf(connection),
    acquire: () => pool.acquire(),
    query,
    turnWaiters: new Semaphore(Math.max(1, Math.floor(max / 2))),
    jobTransactions: new Semaphore(Math.max(1, Math.floor(max / 2))),
    write: (statement) => unlessOutdated(async () => writeOnce(await pool.acquire(), statement)),
    ping: (timeoutMs) => answersWithin(query({ sql: 'select 1', params: [] }), timeoutMs),
    close: () => pool.close(),
  }
}

/** One postgres.js client of one connection, dead for good once that connection has closed. */
class PostgresSession implements Session {
  broken = false
  readonly #client: postgres.Sql
  readonly #answerTimeoutMs: number
  readonly #prepared = new PreparedStatements()
  readonly #settings: SessionSettings
  /** Until what it is set to was read back, nothing else is sent. */
  #confirming: Promise<void> | undefined
  #mayHoldState = false
  /** How often a statement was found outdated, on any connection: then all of them are prepared again. */
  readonly #schema: { changes: number }
  #seenChanges: number
  #socket: Socket | undefined
  /** Where several hosts are named. */
  readonly #hosts: HostChoice | undefined
  /** Of this connection, which TLS checks the certificate against. */
  #host: string
  #target: SocketTarget | undefined
  #isChoosing = false
  /** Whom to name in a request to cancel. */
  #backend: { readonly pid: number; readonly secret: number } | undefined
  #unanswered = 0
  #inTransaction = false
  #isConfirmed = false
  /** How many statements wait for that. Those after them wait too, so that all leave in order. */
  #waiting = 0

  constructor(
    connection: ConnectionOptions,
    answerTimeoutMs: number,
    schema: { changes: number },
    hosts: HostChoice | undefined,
  ) {
    this.#hosts = hosts
    this.#schema = schema
    this.#seenChanges = schema.changes
    this.#answerTimeoutMs = answerTimeoutMs
    this.#host = connection.host
    this.#settings = {
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      id: randomUUID(),
      applicationName: connection.applicationName,
    }
    const settings = {
      ...driverOptions(connection, () => this.#host),
      max: 1,
      socket: (target: SocketTarget) => this.#connect(target),
      fetch_types: false,
      max_lifetime: null,
      onnotice: () => {},
      onclose: () => {
        this.broken = true
        // Its host may be gone, or another one may take the writes now.
        this.#hosts?.reconsider()
      },
    }
    this.#client = postgres(settings as unknown as postgres.Options<Record<string, never>>) // Its types know no socket.
    // Drizzle's columns read and write these types as text; postgres.js would convert them before.
    for (const type of RAW_TYPES) {
      this.#client.options.parsers[type] = (value: string) => value
      this.#client.options.serializers[type] = (value: unknown) => value
    }
  }

  get isWorn(): boolean {
    return this.#prepared.isWorn
  }

  query(statement: Statement): Promise<QueryResult> {
    if (statement.mayLeaveState) this.#mayHoldState = true
    if (this.#seenChanges !== this.#schema.changes) {
      this.#seenChanges = this.#schema.changes
      this.#prepared.giveUpAll()
    }
    const kept = this.#prepared.keep(statement.sql)
    const query = () => {
      const sent = this.#client.unsafe(
        kept?.text ?? statement.sql,
        statement.params as postgres.ParameterOrJSON<never>[],
        {
          prepare: kept !== undefined,
          // The extended protocol takes a single statement: nothing can be smuggled in behind it.
          simple: false,
        } as postgres.UnsafeQueryOptions,
      )
      return kept ? neverSentAgain(sent) : sent
    }
    const answer = this.#run(query, this.#inTransaction ? undefined : this.#answerTimeoutMs)
    if (!kept) return answer
    const hadWorked = kept.hasWorked
    return answer.then(
      (result) => {
        if (!hadWorked) this.#prepared.worked(kept, result.statementName)
        return result
      },
      (error: unknown) => {
        if (!(error instanceof SqlError && hadWorked && CHANGED.has(error.sqlstate))) throw error
        this.#schema.changes += 1
        throw new SqlError({ ...error, isOutdated: true })
      },
    )
  }

  /** Sets what is needed on every connection, and reads it back, before anything else is sent. */
  start(): Promise<void> {
    this.#confirming ??= this.#confirm(settingStatement(this.#settings))
    return this.#confirming
  }

  /** Before the next one uses it: gives up what is not needed in the backend, and what SQL of an app has left. */
  clean(): void {
    if (this.broken) return
    const unused = this.#prepared.takeUnused()
    for (const name of unused) this.#send(`deallocate "${name}"`).catch(() => {})
    if (!this.#mayHoldState) return
    this.#mayHoldState = false
    this.#isConfirmed = false
    const text = `${resetStatement()}; ${settingStatement(this.#settings)}`
    this.#confirming = this.#confirm(text)
    // Who comes next is told.
    this.#confirming.catch(() => {})
  }

  async #confirm(text: string): Promise<void> {
    try {
      const answer = await this.#send(text)
      if (!isConfirmed(answer.rows[0], this.#settings))
        throw new ConnectionLost(
          'What was set on the database connection was not there when it was read back. A pooler in front of the database must be in session mode',
        )
      this.#isConfirmed = true
    } catch (error) {
      this.#lose()
      throw error
    }
  }

  begin(options: BeginOptions): Promise<QueryResult> {
    const mode = options.readOnly ? 'read only' : 'read write'
    const timeoutMs = Math.max(1, Math.ceil(options.statementTimeoutMs))
    // Mostly it is the session's own, less a moment; whose call this is cancels what runs at its deadline anyway.
    const isUsual = timeoutMs <= STATEMENT_TIMEOUT_MS && timeoutMs > STATEMENT_TIMEOUT_MS - USUAL_MOMENT_MS
    const limit = isUsual ? '' : `; set local statement_timeout = ${timeoutMs}`
    const begun = this.#begin(`begin isolation level serializable ${mode}${limit}`)
    this.#inTransaction = true
    return begun
  }

  beginWrite(): Promise<QueryResult> {
    return this.#begin('begin isolation level read committed read write')
  }

  /** A transaction in a backend that this connection has not set fails there, or is ended here before its COMMIT. */
  async #begin(text: string): Promise<QueryResult> {
    const answer = await this.control(`${text}; ${SHOW_SESSION}`)
    if (answer.rows[0]?.[0] === this.#settings.id) return answer
    this.#lose()
    throw new ConnectionLost(
      'The transaction began in a backend whose settings belong to another connection. A pooler in front of the database must be in session mode',
    )
  }

  control(text: string): Promise<QueryResult> {
    this.#inTransaction = false
    return this.#run(() => this.#client.unsafe(text), this.#answerTimeoutMs)
  }

  /**
   * A connection whose statement was cancelled is not used again: the request travels beside it, and could
   * reach the next statement instead.
   */
  cancel(): void {
    if (this.#unanswered === 0 || this.broken) return
    this.broken = true
    if (this.#backend && this.#target) requestCancel(this.#target, this.#backend)
  }

  async close(): Promise<void> {
    // Nothing is said any more on one that is lost, and its backend may hold locks until it hears of that.
    if (this.broken) this.#socket?.destroy()
    this.broken = true
    await this.#client.end({ timeout: 1 })
    this.#socket?.destroy()
  }

  /** Connects, once: postgres.js would reconnect to send what is queued, and a dead transaction's statement with it. */
  #connect(target: SocketTarget): Socket | Promise<Socket> {
    if (this.#target || this.#isChoosing) {
      this.broken = true
      const refused = new Socket()
      setImmediate(() => refused.destroy(new Error('A session does not reconnect')))
      return refused
    }
    if (!this.#hosts) return this.#open(target)
    this.#isChoosing = true
    return this.#hosts
      .choose()
      .then(({ host, port }) => this.#open({ path: false, host: [host], port: [port] }))
  }

  #open(target: SocketTarget): Socket {
    const { path, host, port } = target
    this.#target = target
    this.#host = host[0] ?? this.#host
    this.#socket = path ? connect(path) : connect(port[0] ?? 5432, this.#host)
    if (this.broken) this.#socket.destroy()
    return Object.assign(this.#socket, { host: this.#host })
  }

  #lose(): void {
    this.broken = true
    this.#socket?.destroy()
  }

  #run(makeQuery: () => Query, timeoutMs: number | undefined): Promise<PostgresAnswer> {
    if (this.#isConfirmed && this.#waiting === 0) return this.#send(makeQuery, timeoutMs)
    this.#waiting += 1
    return this.start().then(
      () => {
        this.#waiting -= 1
        return this.#send(makeQuery, timeoutMs)
      },
      (error: unknown) => {
        this.#waiting -= 1
        throw error
      },
    )
  }

  #send(
    query: string | (() => Query),
    timeoutMs: number | undefined = this.#answerTimeoutMs,
  ): Promise<PostgresAnswer> {
    if (this.broken) return Promise.reject(new ConnectionLost('The database connection was closed'))
    this.#unanswered += 1
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#lose(), timeoutMs)
    const isAnswered = () => {
      this.#unanswered -= 1
      clearTimeout(timer)
    }
    // Not awaited: postgres.js has a promise of its own, for which `await` makes two more.
    return (typeof query === 'string' ? this.#client.unsafe(query) : query()).values().then(
      (answer) => {
        isAnswered()
        const last = lastOf(answer)
        this.#backend = last.state
        return new PostgresAnswer(last)
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
      // The host has become a standby, or a statement has escaped its transaction.
      if (this.#hosts && error.code === READ_ONLY) this.#lose()
      return new SqlError({
        sqlstate: error.code,
        table: error.table_name,
        column: error.column_name,
        constraint: error.constraint_name,
        routine: error.routine,
        message: error.message,
        // Of the connection, and of nothing that was sent on it.
        reason: error.code.startsWith('08') ? error.message : undefined,
      })
    }
    this.broken = true
    if (error instanceof ConnectionLost) return error
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
    return new ConnectionLost(`The database connection failed (${code})`, { cause: error })
  }
}

type Query = ReturnType<postgres.Sql['unsafe']>

/**
 * Keeps postgres.js from sending a statement again that has to be prepared again: behind what was sent since, it
 * would run after the COMMIT of its transaction, or in the next one. It asks `prepared` when the error has come.
 */
function neverSentAgain(query: Query): Query {
  let prepared: unknown
  Object.defineProperty(query, 'prepared', {
    get: () => prepared,
    set(value: unknown) {
      prepared = value
      // It has been written by then.
      queueMicrotask(() => {
        prepared = false
      })
    },
  })
  return query
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

/** The answer to the last of several statements that were sent as one message. */
function lastOf(answer: PostgresRows): PostgresRows {
  const [first] = answer
  // Each of several answers has a command; a row has none.
  return first !== undefined && 'command' in first ? (answer.at(-1) as unknown as PostgresRows) : answer
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
