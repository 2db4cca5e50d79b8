import type { SQL } from 'drizzle-orm'
import type { Logger } from 'pino'
import { type ActionResult, type Failure, FailureError, fail, keepCause } from '../core/result.ts'
import { type QueryResult, SqlError, type Statement } from '../db/database.ts'
import { isUnavailable, mapDatabaseError, type StatementKind } from '../db/sqlstate.ts'
import { toStatement } from '../db/statement.ts'
import type { CommitOutcome, Transaction } from '../db/transaction.ts'
import type { QueuedByAction } from '../queue/work.ts'
import type { CatalogEntry } from '../tools/catalog.ts'
import { constraintFields } from '../tools/constraint-fields.ts'
import { learnDeferrable } from '../tools/new-row.ts'
import type { StepRequest, ToolCall, ToolRuntime, WriteOperation } from '../tools/tool-runtime.ts'
import type { Execution } from './execution.ts'
import type { Step } from './journal.ts'
import { LazyTransaction } from './lazy-transaction.ts'
import { NO_WORK, RunQueue } from './run-queue.ts'
import { type Interruption, never, RunState, Stopwatch } from './run-state.ts'
import { SeenBefore } from './seen-before.ts'
import { isInsideOnce, runInsideOnce, Steps } from './steps.ts'
import type { Phase } from './timeline.ts'
import { type HeldTurns, TurnTimeout } from './turns.ts'
import { type Write, Writes } from './writes.ts'

const EXPIRED = 'The deadline of the call is over'

export interface AttemptOptions {
  /** Counts from 1. */
  readonly number: number
  /** What is left of the deadline, in milliseconds. */
  readonly remainingMs: number
  /** The turns that were taken before it. */
  readonly turns: HeldTurns | undefined
}

/**
 * One run of a handler and the transaction it may open.
 *
 * Tools of a run that is over never settle, so that no more code of the handler runs. That is why every call checks the
 * state again after each wait.
 */
export class Attempt implements ToolRuntime {
  readonly number: number
  readonly now: Date
  readonly userId: string | null
  /** Counts the time of the handler; waiting for turns, connections and outside calls is not counted. */
  readonly stopwatch: Stopwatch
  /** Set where the caller is to be told what it writes. */
  readonly seenBefore: SeenBefore | undefined
  readonly #execution: Execution
  readonly #state = new RunState()
  readonly #writes: Writes
  readonly #steps: Steps
  readonly #transaction: LazyTransaction
  #minted = 0
  #controller: AbortController | undefined
  #expired = false
  #loggedLateCall = false
  readonly #callsInFlight = new Set<Promise<unknown>>()
  // Most runs queue nothing.
  #queue: RunQueue | undefined
  #log: Logger | undefined
  #concealing: Map<string, (error: SqlError) => SqlError> | undefined

  constructor(execution: Execution, { number, remainingMs, turns }: AttemptOptions) {
    const { engine, ids, invocation, record } = execution
    this.#execution = execution
    this.#writes = new Writes(invocation.actionKey)
    this.number = number
    this.now = ids.now
    this.userId = invocation.userId
    this.seenBefore =
      invocation.tellsWrites && !invocation.readOnly
        ? new SeenBefore(this, invocation.actor, engine)
        : undefined
    record.attempt(number)
    this.stopwatch = new Stopwatch(remainingMs)
    const { stopwatch } = this
    this.#steps = new Steps(execution, number, this.#state, stopwatch)
    this.#transaction = new LazyTransaction({
      execution,
      state: this.#state,
      steps: this.#steps,
      stopwatch,
      turns,
    })
  }

  get catalog() {
    return this.#execution.engine.catalog
  }

  /** Whether it has a transaction, or is opening one. */
  get hasTransaction(): boolean {
    return this.#steps.mustSuspend
  }

  /** The logger of this run. Made when it is first asked for. */
  get log(): Logger {
    this.#log ??= this.#execution.logOf(this.number)
    return this.#log
  }

  get remainingLifeMs(): number {
    return this.#execution.invocation.remainingLifeMs
  }

  /** Whether the handler has started calls that have not ended. */
  get hasCallsInFlight(): boolean {
    return this.#callsInFlight.size + this.#steps.inFlight.size > 0
  }

  /** The failure that has made the transaction useless, if any. */
  get poison(): Failure | undefined {
    return this.#state.poison
  }

  /** Calls back when the run is given up. */
  onInterrupt(listener: (interruption: Interruption) => void): void {
    this.#state.onInterrupt(listener)
  }

  /** `[operation, collection, recordId]` of everything it has written. */
  get writes(): readonly Write[] {
    return this.#writes.all
  }

  /** What it has queued. */
  get queued(): QueuedByAction {
    return this.#queue ?? NO_WORK
  }

  /** What it has queued, with the jobs that stand in its transaction already. */
  get allQueued(): QueuedByAction {
    const { messages, grants } = this.queued
    return { messages, grants, jobs: this.#queue?.allJobs ?? [] }
  }

  /** Steps that the run was suspended for. */
  get pending(): readonly Step[] {
    return this.#steps.pending
  }

  /** Aborted at the deadline. A run that is interrupted for another reason gets no signal: none of its code runs again. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#expired) this.#controller.abort(new Error(EXPIRED))
    return this.#controller.signal
  }

  /** The keys of the next attempt's turns after a conflict. */
  get turnKeys(): ReadonlySet<string> {
    return this.#writes.turnKeys
  }

  mintId(): string {
    const id = this.#execution.ids.recordId(this.#minted)
    this.#minted += 1
    return id
  }

  wrote(operation: WriteOperation, entry: CatalogEntry, recordId: string): void {
    this.#writes.wrote(operation, entry.name, recordId)
    this.seenBefore?.wrote(operation, entry.name, recordId)
  }

  async willWrite(entry: CatalogEntry, ids: SQL): Promise<void> {
    await this.seenBefore?.lookAtAll(entry, ids)
  }

  didRead(collections: Iterable<string> | 'all'): void {
    this.#execution.record.reads?.note(collections)
  }

  ranSql(): void {
    this.didRead('all')
    if (!this.#execution.invocation.readOnly) this.#writes.wrote('sql', '*', '*')
  }

  /** Made when something is queued first. */
  get queue(): RunQueue {
    this.#queue ??= new RunQueue({
      execution: this.#execution,
      writes: this.#writes,
      mintId: () => this.mintId(),
      run: (statement) => this.run(statement),
    })
    return this.#queue
  }

  execute(statement: SQL): Promise<QueryResult> {
    return this.run(toStatement(statement))
  }

  run(statement: Statement): Promise<QueryResult> {
    return this.#send(statement, (transaction) => transaction.query(statement))
  }

  trial(statement: SQL): Promise<SqlError | undefined> {
    const written = toStatement(statement)
    return this.#send(written, (transaction) => transaction.trial(written))
  }

  concealAtCommit(collection: string, conceal: (error: SqlError) => SqlError): void {
    this.#concealing ??= new Map()
    this.#concealing.set(collection, conceal)
  }

  /** Removes from an error of COMMIT what the caller may not know. */
  concealed(error: SqlError): SqlError {
    return [...(this.#concealing?.values() ?? [])].reduce((left, conceal) => conceal(left), error)
  }

  async #send<T>(about: Statement, send: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (!this.#state.isRunning) return never()
    const { timeline } = this.#execution.record
    let phase: Phase | undefined
    try {
      const transaction = await this.#transaction.get()
      if (!this.#state.isRunning) return never()
      phase = timeline.begin('statement', about)
      const answer = await send(transaction)
      timeline.end(phase)
      return this.#state.isRunning ? answer : never()
    } catch (error) {
      if (phase) timeline.end(phase, error)
      if (this.#state.isRunning && (this.#hasLearnt(error) || this.#map(error)?.kind === 'conflict')) {
        this.#state.interrupt({ kind: 'conflict', error })
      }
      // What a run that is over still awaits stays where it is, its `catch` and `finally` included.
      if (!this.#state.isRunning) return never()
      throw error
    }
  }

  /**
   * Runs one call of a tool. It is refused when the run is over; it gets the failure of a transaction that an error has
   * made useless; and an error of the database becomes that failure.
   */
  async call<T>(
    { tool, record, collection, writes = false }: ToolCall,
    body: () => Promise<ActionResult<T>>,
  ): Promise<ActionResult<T>> {
    this.#refuseInsideOnce(tool)
    if (!this.#state.isRunning) return this.#lateCall(tool)
    if (this.#state.poison) return this.#state.poison
    this.#transaction.firstKey ??= record
    if (collection !== undefined) this.#execution.record.reads?.note([collection])
    if (writes && record !== undefined) this.#writes.setOut(record)
    const looked = writes && record !== undefined ? this.seenBefore?.lookAt(record) : undefined
    const call = looked ? looked.then(body) : body()
    this.#callsInFlight.add(call)
    try {
      const result = await call
      return this.#state.isRunning ? result : never()
    } catch (error) {
      if (!this.#state.isRunning) return never()
      return this.#databaseFailed(tool, writes, error)
    } finally {
      this.#callsInFlight.delete(call)
    }
  }

  /** Answers a step from the journal, performs it, or suspends the run for it. */
  async step(request: StepRequest): Promise<unknown> {
    this.#refuseInsideOnce(request.name)
    if (this.#state.isOver) return this.#lateCall(request.name)
    if (this.poison) throw new FailureError(this.poison)
    return this.#steps.answer(request)
  }

  runOnce<T>(run: () => T): T {
    return runInsideOnce(run)
  }

  /** Ends the run with a failure, whatever its handler makes of what is thrown. */
  refuse(failure: Failure): FailureError {
    this.#state.interrupt({ kind: 'failed', failure })
    return new FailureError(failure)
  }

  /** Starts counting the time that the handler may take. */
  start(): void {
    this.stopwatch.start(() => this.expire('deadline'))
  }

  /** Ends the run because its time is over. */
  expire(kind: 'deadline' | 'lifetime'): void {
    if (!this.#state.isRunning) return
    this.#state.interrupt({ kind })
    this.#transaction.cancel()
    this.#expired = true
    this.#controller?.abort(new Error(EXPIRED))
  }

  /** Waits for calls that the handler did not await, so that each belongs to the attempt as a whole or not at all. */
  async settle(): Promise<void> {
    this.log.warn(
      { attempt: this.number },
      'An action returned while a tool call was still running; await every call',
    )
    // A call that is started right after one of them is waited for as well.
    while (this.#state.isRunning && this.hasCallsInFlight) {
      await Promise.race([
        Promise.allSettled([...this.#callsInFlight, ...this.#steps.inFlight]),
        this.#state.interrupted,
      ])
      await new Promise(setImmediate)
    }
  }

  /** Ends the run: its handler has returned, and later calls do nothing. */
  end(): void {
    this.stopwatch.stop()
    this.#state.end()
  }

  /** Commits what the run wrote, with a last statement. @throws what COMMIT threw. */
  commit(last: Statement | undefined, mustBeOnce: boolean): Promise<CommitOutcome> {
    this.end()
    return this.#transaction.commit(last, mustBeOnce)
  }

  /** The transaction that it has opened, if any. @throws what kept it from opening */
  get transaction(): Transaction | undefined {
    return this.#transaction.opened
  }

  /** Ends the run without effect. Never throws. */
  async abandon(): Promise<void> {
    this.stopwatch.stop()
    if (this.#state.isRunning) this.#state.end()
    await this.#transaction.rollback()
    // Steps that the handler starts together must be collected together.
    if (this.#state.isSuspending) await new Promise(setImmediate)
    this.#state.end()
    this.#transaction.giveTurnsBack()
  }

  #map(error: unknown, sent?: StatementKind) {
    return mapDatabaseError(error, (failed) => constraintFields(this.catalog, failed), sent)
  }

  /** Whether the error shows, for the first time in this call, how to insert into a collection. */
  #hasLearnt(error: unknown): boolean {
    const collection = error instanceof SqlError ? learnDeferrable(this.catalog, error) : undefined
    return collection !== undefined && this.#execution.learn(collection)
  }

  #databaseFailed(tool: string, writes: boolean, error: unknown): Failure {
    if (error instanceof TurnTimeout) {
      this.#state.poison = fail('CONFLICT', 'Too many calls wait for the same record; try again shortly.', {
        details: { retryAfterSeconds: 1 },
      })
      return this.#state.poison
    }
    const mapped = this.#map(error, tool === 'sql' ? 'own sql' : writes ? 'write' : 'read')
    if (mapped?.kind !== 'failure') throw error
    if (isUnavailable(error)) this.#execution.record.meetOutage()
    if (mapped.failure.code === 'INTERNAL_SERVER_ERROR') keepCause(mapped.failure, error)
    this.#state.poison = mapped.failure
    this.log.warn({ tool, code: mapped.failure.code, err: error }, 'A statement failed')
    return this.#state.poison
  }

  #refuseInsideOnce(tool: string): void {
    if (!isInsideOnce()) return
    throw new Error(
      `tools.once: its function may not use tools, and called ${tool}; do it before or after the once`,
    )
  }

  #lateCall<T>(tool: string): Promise<T> {
    if (!this.#loggedLateCall && this.#state.isOver) {
      this.#loggedLateCall = true
      this.log.warn(
        { tool, attempt: this.number },
        'A tool was called after its attempt had ended; it did nothing. Await every call',
      )
    }
    return never()
  }
}
