import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import {
  type BeginOptions,
  ConnectionLost,
  type QueryResult,
  type Session,
  type Statement,
} from './database.ts'
import {
  type PostgresAnswer,
  PostgresConnection,
  type PostgresConnectionOptions,
  type PostgresQuery,
} from './postgres-connection.ts'
import { resetStatement, SHOW_SESSION, STATEMENT_TIMEOUT_MS, transactionSettings } from './session-state.ts'

/**
 * A connection to a pooler that gives it a backend for each transaction: nothing is set, prepared or locked for longer
 * than that. What every statement needs goes with the BEGIN of its transaction, and a statement alone gets one.
 */
export class PooledSession implements Session {
  readonly isWorn = false
  readonly #connection: PostgresConnection
  readonly #id = randomUUID()
  #hasBegun = false
  /** Is answered when what was sent to begin is; undefined from then on. */
  #beginning: Promise<unknown> | undefined
  /** A BEGIN that has failed leaves what comes behind it to run alone, in any backend: it could write there. */
  #mustWait = false
  #mayHoldState = false
  /** Whether statements have the bound of the connection, and not the deadline of a call. */
  #isBounded = true

  constructor(options: PostgresConnectionOptions) {
    this.#connection = new PostgresConnection(options)
  }

  get broken(): boolean {
    return this.#connection.broken
  }

  query(statement: Statement): Promise<QueryResult> {
    if (!this.#hasBegun) return this.#queryAlone(statement)
    if (statement.mayLeaveState) {
      this.#mayHoldState = true
      this.#mustWait = true
    }
    return this.#inOrder(() => this.#send(statement))
  }

  begin({ readOnly, statementTimeoutMs }: BeginOptions): Promise<QueryResult> {
    this.#isBounded = false
    this.#mustWait = !readOnly
    const timeoutMs = Math.max(1, Math.ceil(statementTimeoutMs))
    return this.#begin(
      `begin isolation level serializable ${readOnly ? 'read only' : 'read write'}`,
      timeoutMs,
    )
  }

  beginWrite(): Promise<QueryResult> {
    this.#isBounded = true
    this.#mustWait = true
    return this.#begin('begin isolation level read committed read write')
  }

  control(text: string): Promise<QueryResult> {
    this.#hasBegun = false
    const mayHoldState = this.#mayHoldState
    this.#mayHoldState = false
    return this.#inOrder(() => (mayHoldState ? this.#endClean(text) : this.#connection.send(text)))
  }

  async start(): Promise<void> {}

  /** The end of each transaction has done it. */
  clean(): void {}

  cancel(): void {
    this.#connection.cancel()
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  #begin(text: string, statementTimeoutMs = STATEMENT_TIMEOUT_MS): Promise<QueryResult> {
    this.#hasBegun = true
    const settings = transactionSettings({ statementTimeoutMs, id: this.#id })
    const answer = this.#connection.send(`${text}; ${settings}; ${SHOW_SESSION}`).then(
      (shown) => {
        this.#beginning = undefined
        if (shown.rows[0]?.[0] === this.#id) return shown
        throw this.#lose('What was set for a transaction was not there when it was read back')
      },
      (error: unknown) => {
        this.#connection.lose()
        throw error
      },
    )
    this.#beginning = answer
    return answer
  }

  #inOrder(send: () => Promise<QueryResult>): Promise<QueryResult> {
    return this.#mustWait && this.#beginning ? this.#beginning.then(send) : send()
  }

  /** All of it is sent at once. */
  async #queryAlone(statement: Statement): Promise<QueryResult> {
    this.#isBounded = true
    this.#mustWait = false
    const [begun, answer, ended] = await Promise.allSettled([
      this.#begin('begin isolation level read committed read only'),
      this.query(statement),
      this.control('commit'),
    ])
    for (const part of [begun, answer, ended]) if (part.status === 'rejected') throw part.reason
    if (answer.status !== 'fulfilled') throw new Error('A statement has neither failed nor been answered')
    return answer.value
  }

  #send({ sql, params }: Statement): Promise<PostgresAnswer> {
    return this.#connection.send(
      () => {
        const query = this.#connection.client.unsafe(
          sql,
          params as postgres.ParameterOrJSON<never>[],
          {
            prepare: false,
            // The extended protocol takes a single statement: nothing can be smuggled in behind it.
            simple: false,
          } as postgres.UnsafeQueryOptions,
        )
        return params.every(isPlain) ? neverDescribedFirst(query) : query
      },
      { isBounded: this.#isBounded },
    )
  }

  /**
   * Takes back what SQL of an app has left, before the backend is another one's: the pooler leaves it with this
   * connection until the transaction ends that follows the other at once. One that cannot be cleaned is closed by the
   * pooler, since it is lost in a transaction.
   */
  async #endClean(text: string): Promise<QueryResult> {
    const [ended, cleaned] = await Promise.allSettled([
      this.#connection.send(`${text} and chain`),
      this.#connection.send(`${resetStatement()}; reset all; commit`),
    ])
    if (cleaned.status === 'rejected') this.#connection.lose()
    if (ended.status === 'rejected') throw ended.reason
    return ended.value
  }

  #lose(message: string, cause?: unknown): ConnectionLost {
    this.#connection.lose()
    return new ConnectionLost(message, { cause })
  }
}

/** Whether the driver writes a value the same, whatever type the database has for it. */
function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean', 'bigint'].includes(typeof value)
}

/**
 * Keeps postgres.js from asking for the types of a statement's values before it sends them: that takes a round trip.
 * It decides when it sends, which need not be now.
 */
function neverDescribedFirst(query: PostgresQuery): PostgresQuery {
  Object.defineProperty(query, 'describeFirst', { get: () => false, set() {} })
  return query
}
