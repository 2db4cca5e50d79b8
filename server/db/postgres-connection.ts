import { connect, Socket } from 'node:net'
import postgres from 'postgres'
import { requestCancel, type SocketTarget } from './cancel-request.ts'
import { type ConnectionOptions, driverOptions } from './connection-string.ts'
import { ConnectionLost, type QueryResult, SqlError } from './database.ts'
import type { HostChoice } from './host-choice.ts'

export interface PostgresConnectionOptions {
  readonly connection: ConnectionOptions
  /** Where several hosts are named. */
  readonly hosts: HostChoice | undefined
  /** How long an answer may take before the connection counts as lost, in milliseconds. */
  readonly answerTimeoutMs: number
  /** Told what other connections notify this one of. @default no one is */
  readonly onNotify?: ((channel: string, payload: string) => void) | undefined
  /** Told when the connection has closed. @default no one is */
  readonly onClose?: (() => void) | undefined
}

export type PostgresQuery = ReturnType<postgres.Sql['unsafe']>

/** read_only_sql_transaction */
const READ_ONLY = '25006'
const RAW_TYPES = [114, 3802, 1184, 1082, 1083, 1114, 1182, 1185, 1115, 1231]

/** One postgres.js client of one connection, dead for good once that connection has closed. */
export class PostgresConnection {
  broken = false
  readonly client: postgres.Sql
  readonly #answerTimeoutMs: number
  #socket: Socket | undefined
  readonly #hosts: HostChoice | undefined
  /** Of this connection, which TLS checks the certificate against. */
  #host: string
  #target: SocketTarget | undefined
  #isChoosing = false
  #backend: Backend | undefined
  #unanswered = 0
  #cancelling: Promise<void> | undefined

  constructor({ connection, hosts, answerTimeoutMs, onNotify, onClose }: PostgresConnectionOptions) {
    this.#hosts = hosts
    this.#answerTimeoutMs = answerTimeoutMs
    this.#host = connection.host
    const settings = {
      ...driverOptions(connection, () => this.#host),
      max: 1,
      socket: (target: SocketTarget) => this.#connect(target),
      fetch_types: false,
      max_lifetime: null,
      onnotice: () => {},
      ...(onNotify && { onnotify: onNotify }),
      onclose: () => {
        this.broken = true
        onClose?.()
        // Its host may be gone, or another one may take the writes now.
        this.#hosts?.reconsider()
      },
    }
    this.client = postgres(settings as unknown as postgres.Options<Record<string, never>>) // Its types know no socket.
    // Drizzle's columns read and write these types as text; postgres.js would convert them before.
    for (const type of RAW_TYPES) {
      this.client.options.parsers[type] = (value: string) => value
      this.client.options.serializers[type] = (value: unknown) => value
    }
  }

  /** Whom a request to cancel names, once something was answered: a pooler gives a name of its own. */
  get backend(): Backend | undefined {
    return this.#backend
  }

  /**
   * Sends one statement, or constant text of several as one message. Without a bound it has the deadline of its call.
   *
   * @throws {SqlError | ConnectionLost}
   */
  send(query: string | (() => PostgresQuery), { isBounded = true } = {}): Promise<PostgresAnswer> {
    if (this.broken) return Promise.reject(new ConnectionLost('The database connection was closed'))
    this.#unanswered += 1
    const timer = isBounded ? setTimeout(() => this.lose(), this.#answerTimeoutMs) : undefined
    const isAnswered = () => {
      this.#unanswered -= 1
      clearTimeout(timer)
    }
    // Not awaited: postgres.js has a promise of its own, for which `await` makes two more.
    return (typeof query === 'string' ? this.client.unsafe(query) : query()).values().then(
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

  /**
   * A connection whose statement was cancelled is not used again: the request travels beside it, and could
   * reach the next statement instead.
   */
  cancel(): void {
    if (this.#unanswered === 0 || this.broken) return
    this.broken = true
    if (this.#backend && this.#target) this.#cancelling = requestCancel(this.#target, this.#backend)
  }

  /** Ends it at once: what was sent may or may not have happened. */
  lose(): void {
    this.broken = true
    this.#socket?.destroy()
  }

  async close(): Promise<void> {
    // A pooler forgets whom to cancel with the connection that is gone.
    await this.#cancelling
    // Nothing is said any more on one that is lost, and its backend may hold locks until it hears of that.
    if (this.broken) this.#socket?.destroy()
    this.broken = true
    await this.client.end({ timeout: 1 })
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

  #translate(error: unknown): Error {
    if (error instanceof postgres.PostgresError) {
      // The server closes the connection after it; nothing more may be sent on it. A function of the app can raise
      // the same codes, which closes nothing.
      if (/FATAL|PANIC/.test(`${error.severity} ${error.severity_local}`)) this.broken = true
      // The host has become a standby, or a statement has escaped its transaction.
      if (this.#hosts && error.code === READ_ONLY) this.lose()
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

interface Backend {
  readonly pid: number
  readonly secret: number
}

/** The answer to the last of several statements that were sent as one message. */
function lastOf(answer: PostgresRows): PostgresRows {
  const [first] = answer
  // Each of several answers has a command; a row has none.
  return first !== undefined && 'command' in first ? (answer.at(-1) as unknown as PostgresRows) : answer
}

type PostgresRows = Awaited<ReturnType<postgres.PendingQuery<postgres.Row[]>['values']>>

/** What postgres.js answered. A class, since a getter in a literal would give each answer a hidden class of its own (V8). */
export class PostgresAnswer implements QueryResult {
  readonly rows: QueryResult['rows']
  readonly command: string
  readonly #answer: PostgresRows

  constructor(answer: PostgresRows) {
    this.rows = answer
    this.command = answer.command ?? ''
    this.#answer = answer
  }

  /** What the statement is called in the backend. */
  get statementName(): string {
    return this.#answer.statement.name
  }

  /** Hardly anybody asks for them. */
  get columns(): readonly string[] {
    return (this.#answer.columns ?? []).map((column) => column.name)
  }
}
