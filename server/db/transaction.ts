import {
  type BeginOptions,
  ConnectionLost,
  type Database,
  type Lease,
  type QueryResult,
  SqlError,
  type Statement,
} from './database.ts'
import type { Semaphore } from './semaphore.ts'
import { giveTurnLocksBack, takeTurnLocks } from './turn-locks.ts'

const SAVEPOINT = { sql: 'savepoint deputy_trial', params: [] }
const UNDO = { sql: 'rollback to savepoint deputy_trial', params: [] }
const RELEASE = { sql: 'release savepoint deputy_trial', params: [] }

/** The last statement of a transaction, which is not its own but the engine's, has failed. */
export class LastStatementFailed extends Error {
  override readonly name = 'LastStatementFailed'
}

/** What COMMIT came to. `unknown`: the connection was lost while it was under way. */
export type CommitOutcome = 'committed' | 'rolled back' | 'unknown'

/**
 * One SERIALIZABLE transaction on one connection.
 *
 * After any error, and once it has ended, it refuses every statement: Postgres has aborted the transaction
 * by then, and a statement that went on could only do harm.
 */
export class Transaction {
  readonly #lease: Lease
  #state: 'open' | 'failed' | 'ended' = 'open'
  readonly #turn: Promise<void> | undefined
  #turnGivenBack: Promise<void> | undefined
  #error: unknown

  private constructor(lease: Lease, turn?: Promise<void>) {
    this.#lease = lease
    this.#turn = turn
  }

  /**
   * Takes a connection and begins. What is sent for it, to take a turn and to begin, travels with the first statement;
   * its failure shows there.
   */
  static async open(database: Database, options: BeginOptions): Promise<Transaction> {
    const { turnKeys = [] } = options
    const { turnWaiters } = database
    const transaction =
      turnWaiters && turnKeys.length > 0
        ? await Transaction.#inTurn(database, turnWaiters, turnKeys)
        : new Transaction(await database.acquire())
    transaction.#lease.session.begin(options).catch((error: unknown) => transaction.#fail(error))
    return transaction
  }

  static #inTurn(
    database: Database,
    turnWaiters: Semaphore,
    turnKeys: readonly string[],
  ): Promise<Transaction> {
    return new Promise((resolve, reject) => {
      const wait = async () => {
        const lease = await database.acquire()
        const turn = takeTurnLocks(lease.session, turnKeys)
        resolve(new Transaction(lease, turn))
        await turn
      }
      turnWaiters.run(wait).catch(reject)
    })
  }

  /** Whose turn it is among the servers: resolves when it is this one's, or when it goes on without. */
  get turn(): Promise<void> | undefined {
    return this.#turn
  }

  /** Whether COMMIT or ROLLBACK was sent. */
  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  async query(statement: Statement): Promise<QueryResult> {
    this.#refuseUnlessOpen()
    try {
      const answer = await this.#lease.session.query(statement)
      this.#refuseUnlessOpen()
      return answer
    } catch (error) {
      this.#fail(error)
      throw this.#error
    }
  }

  /**
   * Runs a statement and takes it back. @returns the constraint that it breaks; undefined when it breaks none.
   *
   * @throws {SqlError | ConnectionLost} for any other failure, which ends the transaction.
   */
  async trial(statement: Statement): Promise<SqlError | undefined> {
    this.#refuseUnlessOpen()
    const { session } = this.#lease
    // Sent together: what is sent beside them must not come to lie between them, and be taken back as well.
    const [, tried, undone] = await Promise.allSettled(
      [SAVEPOINT, statement, UNDO, RELEASE].map((sent) => session.query(sent)),
    )
    const error: unknown = tried?.status === 'rejected' ? tried.reason : undefined
    const isConstraint = error instanceof SqlError && error.sqlstate.startsWith('23')
    if (undone?.status === 'fulfilled' && (error === undefined || isConstraint)) {
      this.#refuseUnlessOpen()
      return isConstraint ? error : undefined
    }
    this.#fail(error ?? (undone?.status === 'rejected' ? undone.reason : undefined))
    throw this.#error
  }

  /**
   * Commits, with a last statement that travels together with COMMIT.
   *
   * @throws {SqlError | ConnectionLost | LastStatementFailed} what the last statement or COMMIT failed with; then
   * nothing is committed.
   */
  async commit(last?: Statement): Promise<CommitOutcome> {
    this.#refuseUnlessOpen()
    // Nothing was sent yet, so this outcome is known.
    if (this.#lease.session.broken) throw new ConnectionLost('The connection was lost before COMMIT')
    this.#state = 'ended'
    try {
      // Its failure aborts the transaction, which COMMIT then answers with ROLLBACK.
      const lastAnswered =
        last &&
        this.#lease.session
          .query(last)
          .catch((cause: unknown) =>
            this.#fail(new LastStatementFailed('The last statement failed', { cause })),
          )
      const committed = this.#lease.session.control('commit')
      // It need not come back for this: the next one may begin when it has committed.
      this.#giveTurnBack()
      const { command } = await committed
      if (command === 'COMMIT') return 'committed'
      // A statement that no one waited for has failed: its error says why.
      await lastAnswered
      if (this.#error !== undefined) throw this.#error
      return 'rolled back'
    } catch (error) {
      if (error instanceof ConnectionLost || this.#lease.session.broken) return 'unknown'
      throw error
    } finally {
      await this.#giveBack()
    }
  }

  /** Ends it without effect and gives the connection back. Never throws; may be called at any time. */
  async rollback(): Promise<void> {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    try {
      if (!this.#lease.session.broken) await this.#lease.session.control('rollback')
    } catch {
      // Without an answer to ROLLBACK the connection's state is not known: it must not be used again. Closing one that
      // is lost takes a second, for which those who wait for this record's turn need not wait.
      void this.#lease.session.close()
    } finally {
      await this.#giveBack()
    }
  }

  /** Asks the database to stop what it is doing for this transaction. */
  cancel(): void {
    if (this.#state !== 'ended') this.#lease.session.cancel()
  }

  #giveTurnBack(): void {
    if (this.#turn) this.#turnGivenBack ??= giveTurnLocksBack(this.#lease.session)
  }

  async #giveBack(): Promise<void> {
    this.#giveTurnBack()
    await this.#turnGivenBack
    this.#lease.release()
  }

  #fail(error: unknown): void {
    this.#error ??= error
    if (this.#state === 'open') this.#state = 'failed'
  }

  #refuseUnlessOpen(): void {
    if (this.#state === 'failed') throw this.#error
    if (this.#state === 'ended') throw new Error('The transaction has ended; nothing more may run in it')
  }
}
