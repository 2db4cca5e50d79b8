import type { Semaphore } from './semaphore.ts'

/** What a statement answered: rows as arrays, in the order of the select list, values as the driver read them. */
export interface QueryResult {
  readonly rows: readonly (readonly unknown[])[]
  /** The names of the columns, in order. */
  readonly columns: readonly string[]
  /** The command tag's word: `SELECT`, `COMMIT`, `ROLLBACK`, … */
  readonly command: string
}

/** A statement with its bound values. */
export interface Statement {
  readonly sql: string
  readonly params: readonly unknown[]
  /** Whether it is an app's own, which may leave something on the connection that it runs on. @default false */
  readonly mayLeaveState?: boolean
}

export interface BeginOptions {
  readonly readOnly: boolean
  /** After this long the database stops a statement by itself (not the embedded one). */
  readonly statementTimeoutMs: number
  /** What to take turns on with the other servers before it begins. @default nothing */
  readonly turnKeys?: readonly string[]
}

/** One connection to the database, used by one holder at a time. */
export interface Session {
  /** True once the connection is gone: the session answers nothing any more and must be discarded. */
  readonly broken: boolean
  /** Runs one prepared statement. @throws {SqlError | ConnectionLost} */
  query(statement: Statement): Promise<QueryResult>
  /** Begins a SERIALIZABLE transaction. @throws {SqlError | ConnectionLost} */
  begin(options: BeginOptions): Promise<QueryResult>
  /** Begins a READ COMMITTED transaction of one statement. @throws {SqlError | ConnectionLost} */
  beginWrite(): Promise<QueryResult>
  /** Sends transaction control as constant text. @throws {SqlError | ConnectionLost} */
  control(text: string): Promise<QueryResult>
  /** Asks the database to stop the statement that is running, where it can. Never throws. */
  cancel(): void
  /** Whether it has done so much that another one should take its place. */
  readonly isWorn: boolean
  /** Connects and sets what every connection needs. @throws {SqlError | ConnectionLost} */
  start(): Promise<void>
  /** Takes back what its holder has left on it. Outside a transaction; never throws. */
  clean(): void
  close(): Promise<void>
}

export interface Lease {
  readonly session: Session
  /** Gives the connection back; a broken one is discarded. May be called once. */
  release(): void
}

/** How much of a pool is in use. */
export interface PoolLoad {
  readonly max: number
  readonly leased: number
  readonly idle: number
  /** How many wait for a connection. */
  readonly waiting: number
  /** Calls back with the milliseconds that each one waits who gets a connection. */
  onAcquired(listener: (waitedMs: number) => void): void
}

export interface Database {
  readonly kind: 'postgres' | 'pglite'
  /** Where the data is, for people: without a password. */
  readonly location: string
  /** Takes a connection for a transaction. @throws {AcquireTimeout} after the acquire timeout. */
  acquire(): Promise<Lease>
  /** Runs one reading statement without a transaction. @throws {SqlError | ConnectionLost | AcquireTimeout} */
  query(statement: Statement): Promise<QueryResult>
  /**
   * Runs one writing statement in a READ COMMITTED transaction of its own, for the engine's own tables.
   *
   * @throws {SqlError | ConnectionLost | AcquireTimeout}
   */
  write(statement: Statement): Promise<QueryResult>
  /** How many connections it has at most. */
  readonly connections: number
  /** How much of the connections is in use. */
  readonly load: PoolLoad
  /** Who may hold a connection while it waits for its turn among servers; undefined where there is one server. */
  readonly turnWaiters: Semaphore | undefined
  /** The transactions of jobs, of which there are fewer at a time than connections: callers find one. */
  readonly jobTransactions: Semaphore
  /** Whether the database answers within `timeoutMs`. */
  ping(timeoutMs: number): Promise<boolean>
  close(): Promise<void>
}

/** The class of SQLSTATEs that a function of the app uses for messages that callers may read. */
const TOLD = /^U0/

/** An error that the database answered to a statement. Its message never holds bound values. */
export class SqlError extends Error {
  override readonly name = 'SqlError'
  readonly sqlstate: string
  readonly table: string | undefined
  readonly column: string | undefined
  readonly constraint: string | undefined
  /** The function of PostgreSQL that refused. */
  readonly routine: string | undefined
  /** What a function of the app raised for the caller to read, under an SQLSTATE that says so. */
  readonly told: string | undefined
  /** Whether the statement was prepared for tables as they are no more. Run again, it may pass. */
  readonly isOutdated: boolean

  constructor(fields: {
    sqlstate: string
    table?: unknown
    column?: unknown
    constraint?: unknown
    routine?: unknown
    message?: unknown
    /** What the database said of the connection. */
    reason?: string | undefined
    isOutdated?: boolean
  }) {
    const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
    const where = [
      fields.reason,
      text(fields.table),
      text(fields.column),
      text(fields.constraint),
      text(fields.routine),
    ]
    super(
      `SQLSTATE ${fields.sqlstate} (${where.filter((part) => part !== undefined).join(', ') || 'no detail'})`,
    )
    this.sqlstate = fields.sqlstate
    this.table = text(fields.table)
    this.column = text(fields.column)
    this.constraint = text(fields.constraint)
    this.routine = text(fields.routine)
    this.told = TOLD.test(fields.sqlstate) ? text(fields.message) : undefined
    this.isOutdated = fields.isOutdated ?? false
  }
}

/** The connection went away; what was sent on it may or may not have happened. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

/** No connection became free in time. */
export class AcquireTimeout extends Error {
  override readonly name = 'AcquireTimeout'
}
