import { ConnectionLost, type Statement } from '../db/database.ts'
import { type CommitOutcome, LastStatementFailed, Transaction } from '../db/transaction.ts'
import type { Execution } from './execution.ts'
import type { RunState, Stopwatch } from './run-state.ts'
import type { Steps } from './steps.ts'
import type { HeldTurns } from './turns.ts'

const TURN_TIMEOUT_MS = 30_000
const GIVEN_UP = 'The run was given up before its transaction began'

export interface LazyTransactionOptions {
  readonly execution: Execution
  readonly state: RunState
  readonly steps: Steps
  readonly stopwatch: Stopwatch
  /** The turns of the run. */
  readonly turns: HeldTurns | undefined
}

/** The transaction of a run with its turns. It is opened at the first data call. */
export class LazyTransaction {
  /** The first record that the run uses: if others take turns on it, so does this run. */
  firstKey: string | undefined
  readonly #options: LazyTransactionOptions
  #turns: HeldTurns | undefined
  #transaction: Transaction | undefined
  #opening: Promise<Transaction> | undefined
  /** Gives the place of a job to the next one. */
  #leaveJobs: (() => void) | undefined
  /** Why it could not be opened. */
  #error: unknown

  constructor(options: LazyTransactionOptions) {
    this.#options = options
    this.#turns = options.turns
  }

  /** Opens the transaction, once. All wait for the same promise, so that statements are sent in order. */
  get(): Promise<Transaction> {
    if (!this.#opening) {
      this.#opening = this.#open()
      // Its failure belongs to the call that waits for it; without one it must not end the process.
      this.#opening.catch((error: unknown) => {
        this.#error = error
      })
    }
    return this.#opening
  }

  /** The transaction, where one was opened. @throws what kept it from opening */
  get opened(): Transaction | undefined {
    if (this.#error !== undefined) throw this.#error
    return this.#transaction
  }

  cancel(): void {
    this.#transaction?.cancel()
  }

  /**
   * Commits, with a last statement: in the transaction, or by itself where none was opened.
   *
   * @param mustBeOnce whether it writes more than an audit row, which is written once however often it is tried.
   * @throws what kept the transaction from opening, or what COMMIT threw.
   */
  async commit(last: Statement | undefined, mustBeOnce: boolean): Promise<CommitOutcome> {
    try {
      const { opened } = this
      if (opened) return await opened.commit(last)
      return last ? await this.#write(last, mustBeOnce) : 'committed'
    } finally {
      if (this.#transaction?.hasEnded === false) await this.rollback()
      this.giveTurnsBack()
    }
  }

  /** For a run without a transaction. */
  async #write(statement: Statement, mustBeOnce: boolean): Promise<CommitOutcome> {
    const { engine } = this.#options.execution
    try {
      // Results of keys and queued work are not written twice: their outcome has to be known.
      if (mustBeOnce) await engine.database.write(statement)
      else await engine.auditRows.fulfil(statement)
      return 'committed'
    } catch (error) {
      if (error instanceof ConnectionLost) return 'unknown'
      throw new LastStatementFailed('The last statement failed', { cause: error })
    }
  }

  /** Rolls back. Never throws. A transaction that is still being opened is given back when it is open. */
  async rollback(): Promise<void> {
    await this.#transaction?.rollback()
  }

  giveTurnsBack(): void {
    this.#turns?.release()
    this.#turns = undefined
    this.#leaveJobs?.()
    this.#leaveJobs = undefined
  }

  async #open(): Promise<Transaction> {
    const { execution, state, steps, stopwatch } = this.#options
    stopwatch.pause()
    const { timeline } = execution.record
    let turn: Promise<void> | undefined
    try {
      // No connection is held while a provider is being waited for.
      if (steps.inFlight.size > 0) await steps.settled()
      steps.mustSuspend = true
      const taken = this.#takenTurns()
      if (taken.length > 0) await this.#queueUp(taken)
      if (execution.invocation.jobId !== undefined) await this.#queueUpAmongJobs()
      if (!state.isRunning) throw new Error(GIVEN_UP)
      const transaction = await timeline.during('connection', undefined, () =>
        Transaction.open(execution.engine.database, {
          readOnly: execution.invocation.readOnly,
          statementTimeoutMs: stopwatch.remainingMs,
          turnKeys: this.#turns?.keys ?? [],
        }),
      )
      if (!state.isRunning) {
        await transaction.rollback()
        throw new Error(GIVEN_UP)
      }
      this.#transaction = transaction
      turn = transaction.turn
      if (turn) void timeline.during('turn', undefined, () => turn ?? Promise.resolve())
      await execution.dryRun?.open(transaction)
      return transaction
    } catch (error) {
      if (!state.isRunning) this.giveTurnsBack()
      throw error
    } finally {
      // The first statement may be on its way while it still waits for its turn, which is not the handler's time.
      if (turn) void turn.then(() => stopwatch.resume())
      else stopwatch.resume()
    }
  }

  /** Leaves connections to those who wait for an answer. */
  async #queueUpAmongJobs(): Promise<void> {
    const { execution, state } = this.#options
    const leave = await execution.engine.database.jobTransactions.enter()
    if (state.isRunning) this.#leaveJobs = leave
    else leave()
  }

  /** On what others take turns, of what this run is known to use. */
  #takenTurns(): readonly string[] {
    if (this.#turns) return []
    const { engine, invocation } = this.#options.execution
    const { actionKey } = invocation
    const keys = this.firstKey === undefined ? [actionKey] : [this.firstKey, actionKey]
    return keys.filter((key) => engine.turns.isTaken(key))
  }

  /** Takes turns, before the transaction and its snapshot begin. */
  async #queueUp(keys: readonly string[]): Promise<void> {
    const { engine, record, slot } = this.#options.execution
    const turns = engine.turns.take(keys, TURN_TIMEOUT_MS)
    this.#turns = await record.timeline.during('turn', undefined, () =>
      slot ? slot.whileItWaits(turns) : turns,
    )
  }
}
