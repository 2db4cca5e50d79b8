import { AsyncLocalStorage } from 'node:async_hooks'
import { FailureError, fail } from '../core/result.ts'
import type { StepRequest } from '../tools/tool-runtime.ts'
import type { Execution } from './execution.ts'
import { MAX_STEPS, type Step } from './journal.ts'
import { never, type RunState, type Stopwatch } from './run-state.ts'

/** Set while the function of a `once` runs: tools would write in a transaction that is not theirs. */
const insideOnce = new AsyncLocalStorage<true>()

/** Whether the function of a `once` is what runs now. */
export function isInsideOnce(): boolean {
  return insideOnce.getStore() === true
}

/** Runs the function of a `once`. */
export function runInsideOnce<T>(run: () => T): T {
  return insideOnce.run(true, run)
}

/** The outside calls of one run: answered from the journal, made at once, or what the run is suspended for. */
export class Steps {
  /** What this run was suspended for. */
  readonly pending: Step[] = []
  readonly inFlight = new Set<Promise<void>>()
  /** Set once a transaction is open or about to be: from then on a step suspends the run. */
  mustSuspend = false
  readonly #execution: Execution
  readonly #run: number
  readonly #state: RunState
  readonly #stopwatch: Stopwatch
  /** Most runs make none. */
  #occurrences: Map<string, number> | undefined

  constructor(execution: Execution, run: number, state: RunState, stopwatch: Stopwatch) {
    this.#execution = execution
    this.#run = run
    this.#state = state
    this.#stopwatch = stopwatch
  }

  /** The step's answer; for a run that has been given up, nothing ever. @throws {FailureError} */
  async answer(request: StepRequest): Promise<unknown> {
    const { journal, dryRun } = this.#execution
    const { name, fingerprint, charge } = request
    const same = `${name}\n${fingerprint}`
    this.#occurrences ??= new Map()
    const nth = (this.#occurrences.get(same) ?? 0) + 1
    this.#occurrences.set(same, nth)
    const identity = `${same}\n${nth}`
    dryRun?.wouldCharge(identity, charge)
    const perform = dryRun ? dryRun.answering(request) : request.perform
    if (!perform) {
      this.#state.interrupt({ kind: 'stopped', stop: { name, charge } })
      return never()
    }
    const step: Step = { name, identity, perform, charge }
    if (journal.has(step)) return this.#read(step)
    if (journal.size + this.inFlight.size + this.pending.length >= MAX_STEPS) {
      throw new FailureError(
        fail('PRECONDITION_FAILED', `One invocation may make at most ${MAX_STEPS} outside calls.`),
      )
    }
    if (this.#state.isRunning && !this.mustSuspend) return this.#performNow(step)
    // Steps that the handler starts together are collected together.
    this.pending.push(step)
    this.#state.interrupt({ kind: 'suspended' })
    return never()
  }

  /** Waits until no step is in flight, or the run is given up. */
  async settled(): Promise<void> {
    while (this.inFlight.size > 0 && this.#state.isRunning) {
      await Promise.race([Promise.allSettled([...this.inFlight]), this.#state.interrupted])
    }
  }

  async #performNow(step: Step): Promise<unknown> {
    const work = Promise.resolve().then(async () => {
      const failure =
        this.#execution.diverges([step], this.#run) ?? (await this.#execution.perform(step, this.#run))
      if (failure) this.#state.interrupt({ kind: 'failed', failure })
    })
    this.inFlight.add(work)
    this.#stopwatch.pause()
    try {
      await work
    } finally {
      this.inFlight.delete(work)
      this.#stopwatch.resume()
    }
    return this.#read(step)
  }

  #read(step: Step): unknown {
    if (!this.#state.isRunning) return never()
    // An answer of the journal may be one that an invocation paid for which left no row, since its server died.
    const { dryRun, journal, record } = this.#execution
    if (step.charge && !dryRun && journal.hasLeft(step)) record.pay(step.charge.payer)
    return journal.read(step.identity, this.#run)
  }
}
