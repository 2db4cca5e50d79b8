import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import {
  type BeginOptions,
  ConnectionLost,
  type QueryResult,
  type Session,
  SqlError,
  type Statement,
} from './database.ts'
import {
  type PostgresAnswer,
  PostgresConnection,
  type PostgresConnectionOptions,
  type PostgresQuery,
} from './postgres-connection.ts'
import { PreparedStatements } from './prepared-statements.ts'
import {
  isConfirmed,
  resetStatement,
  type SessionSettings,
  SHOW_SESSION,
  STATEMENT_TIMEOUT_MS,
  settingStatement,
} from './session-state.ts'

export interface PostgresSessionOptions extends PostgresConnectionOptions {
  /** How often a statement was found outdated, on any connection: then all of them are prepared again. */
  readonly schema: { changes: number }
  /** Whether connections have backends of their own. Once they have not, this one is of no more use. */
  readonly kind: { readonly areOwn: boolean }
  /** Told when a backend answers that another connection has set. */
  readonly onForeignBackend: () => void
}

/** A call whose time is over by so much less than that leaves the session's own timeout alone. */
const USUAL_MOMENT_MS = 500
/**
 * What a prepared statement that has worked before fails with when it is gone, or when a table that it names was
 * altered since: prepared again, it may work.
 */
const CHANGED = new Set(['0A000', '26000', '42703', '42804', '42883', '42P01', '42P05'])
/** undefined_object: the setting that names a session is not known in a backend that no session has set. */
const NEVER_SET = '42704'

const FOREIGN_BACKEND =
  'The transaction began in a backend that another connection has set: a pooler in transaction mode is in front of the database. docs/poolers.md says what to set'

/** A connection that has one backend for itself, which it sets once, and where its statements stay prepared. */
export class PostgresSession implements Session {
  readonly #connection: PostgresConnection
  readonly #prepared = new PreparedStatements()
  readonly #settings: SessionSettings
  /** Until what it is set to was read back, nothing else is sent. */
  #confirming: Promise<void> | undefined
  #mayHoldState = false
  readonly #schema: { changes: number }
  #seenChanges: number
  readonly #kind: { readonly areOwn: boolean }
  readonly #onForeignBackend: () => void
  #inTransaction = false
  #isConfirmed = false
  /** How many statements wait for that. Those after them wait too, so that all leave in order. */
  #waiting = 0

  constructor({ schema, kind, onForeignBackend, ...options }: PostgresSessionOptions) {
    this.#schema = schema
    this.#seenChanges = schema.changes
    this.#kind = kind
    this.#onForeignBackend = onForeignBackend
    this.#connection = new PostgresConnection(options)
    this.#settings = {
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      id: randomUUID(),
      applicationName: options.connection.applicationName,
    }
  }

  get broken(): boolean {
    return this.#connection.broken || !this.#kind.areOwn
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
      const sent = this.#connection.client.unsafe(
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
    const answer = this.#run(query, !this.#inTransaction)
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
    for (const name of unused) this.#connection.send(`deallocate "${name}"`).catch(() => {})
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
      const answer = await this.#connection.send(text)
      if (!isConfirmed(answer.rows[0], this.#settings))
        throw new ConnectionLost(
          'What was set on the database connection was not there when it was read back. docs/poolers.md says what a pooler in front of the database must keep',
        )
      this.#isConfirmed = true
    } catch (error) {
      this.#connection.lose()
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
    try {
      const answer = await this.control(`${text}; ${SHOW_SESSION}`)
      if (answer.rows[0]?.[0] === this.#settings.id) return answer
    } catch (error) {
      if (!(error instanceof SqlError && error.sqlstate === NEVER_SET)) throw error
    }
    this.#connection.lose()
    this.#onForeignBackend()
    throw new ConnectionLost(FOREIGN_BACKEND)
  }

  control(text: string): Promise<QueryResult> {
    this.#inTransaction = false
    return this.#run(() => this.#connection.client.unsafe(text), true)
  }

  cancel(): void {
    this.#connection.cancel()
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  #run(makeQuery: () => PostgresQuery, isBounded: boolean): Promise<PostgresAnswer> {
    if (this.#isConfirmed && this.#waiting === 0) return this.#connection.send(makeQuery, { isBounded })
    this.#waiting += 1
    return this.start().then(
      () => {
        this.#waiting -= 1
        return this.#connection.send(makeQuery, { isBounded })
      },
      (error: unknown) => {
        this.#waiting -= 1
        throw error
      },
    )
  }
}

/**
 * Keeps postgres.js from sending a statement again that has to be prepared again: behind what was sent since, it
 * would run after the COMMIT of its transaction, or in the next one. It asks `prepared` when the error has come.
 */
function neverSentAgain(query: PostgresQuery): PostgresQuery {
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
