import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { QueryResult, Statement } from '../db/database.ts'
import { mapDatabaseError } from '../db/sqlstate.ts'
import { type CommitOutcome, Transaction } from '../db/transaction.ts'
import { type ActionResult, type Failure, fail } from '../result.ts'
import { type CatalogEntry, constraintFields } from '../tools/catalog.ts'
import { StepRefused, type ToolRunner, type WriteOperation } from '../tools/scope.ts'
import type { Invocation } from './invocation.ts'
import { MAX_STEPS, type Step } from './journal.ts'
import { Stopwatch } from './stopwatch.ts'
import { TurnTimeout } from './turns.ts'

const dialect = new PgDialect({ casing: 'snake_case' })
const TURN_TIMEOUT_MS = 30_000
const EXPIRED = 'The deadline of the call is over'
const GIVEN_UP = 'The run was given up before its transaction began'

/** Why a run was given up before its handler came to an end. */
export type Interruption =
  | { readonly kind: 'suspended' }
  | { readonly kind: 'conflict'; readonly error: unknown }
  | { readonly kind: 'deadline' }
  /** The invocation has lasted as long as one may. */
  | { readonly kind: 'lifetime' }
  | { readonly kind: 'failed'; readonly failure: Failure }

/**
 * One run of a handler and the transaction it may open.
 *
 * Tools of a run that is over never settle: whatever the handler still awaits stays where it is, and no
 * code of it goes on. That is why every call checks the state again after each wait.
 */
export class Attempt implements ToolRunner {
  readonly number: number
  readonly now: Date
  readonly userId: string | null
  readonly interrupted: Promise<Interruption>
  /** Counts the time of the handler; waiting for turns, connections and outside calls is not counted. */
  readonly stopwatch: Stopwatch
  /** Steps that this run was suspended for. */
  readonly pending: Step[] = []
  /** `[operation, collection, recordId]` of everything this run has written. */
  readonly writes: [WriteOperation, string, string][] = []
  /** Records that this run set out to write, as keys for turns. */
  readonly #writeKeys = new Set<string>()
  readonly #invocation: Invocation
  #state: 'running' | 'suspending' | 'over' = 'running'
  #poison: Failure | undefined
  #transaction: Transaction | undefined
  #opening: Promise<Transaction> | undefined
  /** Why the transaction could not be opened. */
  #openingError: unknown
  /** No step may be performed beside the run any more: a transaction is open, or about to be. */
  #holdsTransaction = false
  #firstKey: string | undefined
  #releaseTurns: (() => void) | undefined
  #minted = 0
  #controller: AbortController | undefined
  #expired = false
  #loggedLateCall = false
  readonly #occurrences = new Map<string, number>()
  readonly #stepsInFlight = new Set<Promise<void>>()
  readonly #callsInFlight = new Set<Promise<unknown>>()
  #interrupt: (interruption: Interruption) => void = () => {}

  constructor(invocation: Invocation, number: number, releaseTurns: (() => void) | undefined) {
    this.#invocation = invocation
    this.number = number
    this.now = invocation.now
    this.userId = invocation.actor.userId
    this.#releaseTurns = releaseTurns
    this.stopwatch = new Stopwatch(invocation.remainingMs)
    this.interrupted = new Promise((resolve) => {
      this.#interrupt = resolve
    })
  }

  get catalog() {
    return this.#invocation.engine.catalog
  }

  /** The failure that has made the transaction useless, if any. */
  get poison(): Failure | undefined {
    return this.#poison
  }

  /** Aborted at the deadline. A run that is given up for another reason is not told: no code of it may go on. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#expired) this.#controller.abort(new Error(EXPIRED))
    return this.#controller.signal
  }

  /** What the next attempt takes turns on after a conflict: the records that this one set out to write. */
  get turnKeys(): ReadonlySet<string> {
    return this.#writeKeys.size > 0 ? this.#writeKeys : new Set([this.#invocation.actionKey])
  }

  mintId(): string {
    const id = this.#invocation.mintedId(this.#minted)
    this.#minted += 1
    return id
  }

  wrote(operation: WriteOperation, entry: CatalogEntry, recordId: string): void {
    this.writes.push([operation, entry.name, recordId])
  }

  execute(statement: SQL): Promise<QueryResult> {
    return this.run(dialect.sqlToQuery(statement))
  }

  async run(statement: Statement): Promise<QueryResult> {
    if (this.#state !== 'running') return never()
    try {
      const transaction = this.#transaction ?? (await this.#open())
      if (this.#state !== 'running') return never()
      const answer = await transaction.query(statement)
      return this.#state === 'running' ? answer : never()
    } catch (error) {
      if (this.#state === 'running' && this.#map(error)?.kind === 'conflict') {
        this.#interrupt({ kind: 'conflict', error })
        this.#state = 'over'
      }
      // What a run that is over still awaits stays where it is, its `catch` and `finally` included.
      if (this.#state !== 'running') return never()
      throw error
    }
  }

  /**
   * Runs one call of a tool: refuses it when the run is over, gives it the failure of a transaction that is
   * beyond use, and turns what the database throws into that failure.
   *
   * @param key the record that the call is about, if there is one.
   */
  async call<T>(
    tool: string,
    key: string | undefined,
    writes: boolean,
    body: () => Promise<ActionResult<T>>,
  ): Promise<ActionResult<T>> {
    this.#refuseInsideOnce(tool)
    if (this.#state !== 'running') return this.#lateCall(tool)
    if (this.#poison) return this.#poison
    this.#firstKey ??= key
    if (writes && key !== undefined) this.#writeKeys.add(key)
    const call = body()
    this.#callsInFlight.add(call)
    try {
      const result = await call
      return this.#state === 'running' ? result : never()
    } catch (error) {
      if (this.#state !== 'running') return never()
      return this.#databaseFailed(tool, error)
    } finally {
      this.#callsInFlight.delete(call)
    }
  }

  /** Answers a step from the journal, performs it, or suspends the run for it. */
  async step(name: string, fingerprint: string, perform: Step['perform']): Promise<unknown> {
    this.#refuseInsideOnce(name)
    const { journal } = this.#invocation
    if (this.#state === 'over') return this.#lateCall(name)
    if (this.#poison) throw new StepRefused(this.#poison)
    const same = `${name}\n${fingerprint}`
    const nth = (this.#occurrences.get(same) ?? 0) + 1
    this.#occurrences.set(same, nth)
    const step: Step = { name, identity: `${same}\n${nth}`, perform }
    if (journal.has(step.identity))
      return this.#state === 'running' ? journal.read(step.identity, this.number) : never()
    if (journal.size + this.#stepsInFlight.size + this.pending.length >= MAX_STEPS)
      throw new StepRefused(
        fail('PRECONDITION_FAILED', `One invocation may make at most ${MAX_STEPS} outside calls.`),
      )
    if (this.#state === 'running' && !this.#holdsTransaction) return this.#performNow(step)
    this.pending.push(step)
    if (this.#state === 'running') {
      this.#state = 'suspending'
      this.#interrupt({ kind: 'suspended' })
    }
    return never()
  }

  runOnce<T>(run: () => T): T {
    return this.#invocation.runOnce(run)
  }

  /** Starts counting the time that the handler may take. */
  start(): void {
    this.stopwatch.start(() => this.expire('deadline'))
  }

  /** Ends the run because its time is over. */
  expire(kind: 'deadline' | 'lifetime'): void {
    if (this.#state !== 'running') return
    this.#state = 'over'
    this.#transaction?.cancel()
    this.#interrupt({ kind })
    this.#expired = true
    this.#controller?.abort(new Error(EXPIRED))
  }

  /** Waits for calls that the handler did not await, so that they belong to the attempt wholly or not at all. */
  async settle(): Promise<void> {
    if (this.#callsInFlight.size + this.#stepsInFlight.size === 0) return
    this.#invocation.log.warn(
      { attempt: this.number },
      'An action returned while a tool call was still running; await every call',
    )
    // What is called right after one of them belongs to it, so it is waited for as well.
    while (this.#state === 'running' && this.#callsInFlight.size + this.#stepsInFlight.size > 0) {
      await Promise.race([
        Promise.allSettled([...this.#callsInFlight, ...this.#stepsInFlight]),
        this.interrupted,
      ])
      await new Promise(setImmediate)
    }
  }

  /** Commits what the run wrote. @throws what COMMIT threw. */
  async commit(): Promise<CommitOutcome> {
    this.stopwatch.stop()
    this.#state = 'over'
    try {
      if (this.#openingError !== undefined) throw this.#openingError
      return this.#transaction ? await this.#transaction.commit() : 'committed'
    } finally {
      await this.#transaction?.rollback()
      this.#giveTurnsBack()
    }
  }

  /** Ends the run without effect. Never throws. */
  async abandon(): Promise<void> {
    this.stopwatch.stop()
    if (this.#state === 'running') this.#state = 'over'
    // An opening that is still waiting gives back by itself what it is given.
    await this.#transaction?.rollback()
    // Steps that the handler starts together must be collected together.
    if (this.#state === 'suspending') await new Promise(setImmediate)
    this.#state = 'over'
    this.#giveTurnsBack()
  }

  #giveTurnsBack(): void {
    this.#releaseTurns?.()
    this.#releaseTurns = undefined
  }

  #open(): Promise<Transaction> {
    if (!this.#opening) {
      this.#opening = this.#openAfterTurns()
      // Its failure belongs to the call that waits for it; without one it must not end the process.
      this.#opening.catch((error: unknown) => {
        this.#openingError = error
      })
    }
    return this.#opening
  }

  async #openAfterTurns(): Promise<Transaction> {
    const { engine, readOnly, actionKey } = this.#invocation
    const { stopwatch } = this
    stopwatch.pause()
    try {
      // No connection is held while a provider is being waited for.
      while (this.#stepsInFlight.size > 0 && this.#state === 'running') {
        await Promise.race([Promise.allSettled([...this.#stepsInFlight]), this.interrupted])
      }
      this.#holdsTransaction = true
      const busy = [this.#firstKey, actionKey].filter((key) => key !== undefined && engine.turns.isTaken(key))
      if (busy.length > 0 && !this.#releaseTurns) {
        this.#releaseTurns = await engine.turns.take(
          busy.filter((key) => key !== undefined),
          TURN_TIMEOUT_MS,
        )
      }
      if (this.#state !== 'running') throw new Error(GIVEN_UP)
      const transaction = await Transaction.open(engine.database, {
        readOnly,
        statementTimeoutMs: stopwatch.remainingMs,
      })
      if (this.#state !== 'running') {
        await transaction.rollback()
        throw new Error(GIVEN_UP)
      }
      this.#transaction = transaction
      return transaction
    } catch (error) {
      if (this.#state !== 'running') this.#giveTurnsBack()
      throw error
    } finally {
      stopwatch.resume()
    }
  }

  async #performNow(step: Step): Promise<unknown> {
    const { journal } = this.#invocation
    const work = Promise.resolve().then(() => {
      const failure = this.#invocation.diverges([step], this.number)
      if (!failure) return journal.perform(step, this.number)
      this.#state = 'over'
      this.#interrupt({ kind: 'failed', failure })
      return undefined
    })
    this.#stepsInFlight.add(work)
    this.stopwatch.pause()
    try {
      await work
    } finally {
      this.#stepsInFlight.delete(work)
      this.stopwatch.resume()
    }
    return this.#state === 'running' ? journal.read(step.identity, this.number) : never()
  }

  #map(error: unknown) {
    return mapDatabaseError(error, (constraint) => constraintFields(this.catalog, constraint))
  }

  #databaseFailed(tool: string, error: unknown): Failure {
    if (error instanceof TurnTimeout) {
      this.#poison = fail('CONFLICT', 'Too many calls wait for the same record; try again shortly.')
      return this.#poison
    }
    const mapped = this.#map(error)
    if (mapped?.kind !== 'failure') throw error
    this.#poison = mapped.failure
    this.#invocation.log.warn({ tool, code: mapped.failure.code, err: error }, 'A statement failed')
    return this.#poison
  }

  #refuseInsideOnce(tool: string): void {
    if (!this.#invocation.isInsideOnce()) return
    throw new Error(
      `tools.once: its function may not use tools, and called ${tool}; do it before or after the once`,
    )
  }

  #lateCall<T>(tool: string): Promise<T> {
    if (!this.#loggedLateCall && this.#state === 'over') {
      this.#loggedLateCall = true
      this.#invocation.log.warn(
        { tool, attempt: this.number },
        'A tool was called after its attempt had ended; it did nothing. Await every call',
      )
    }
    return never()
  }
}

/** A promise that never settles, and that nothing keeps alive. */
function never<T>(): Promise<T> {
  return new Promise(() => {})
}
