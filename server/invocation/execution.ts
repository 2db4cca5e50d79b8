import type { Logger } from 'pino'
import type { Failure } from '../core/result.ts'
import type { CallSlot } from './call-slots.ts'
import { DryRun, NO_STEP_STORE } from './dry-run/dry-run.ts'
import type { Engine } from './engine.ts'
import { DerivedIds } from './fingerprint.ts'
import type { Invocation } from './invocation.ts'
import type { InvocationRecord, RecordedCall } from './invocation-record.ts'
import { Journal, type Step, type StoredStep } from './journal.ts'
import { MessageReservations } from './message-reservations.ts'
import { DatabaseStepStore } from './step-store.ts'
import type { TraceSpan } from './tracing.ts'

/** The parts of the engine that carry out a call. */
export type ExecutionEngine = Pick<
  Engine,
  | 'auditRows'
  | 'budgets'
  | 'catalog'
  | 'changes'
  | 'clockOffsetMs'
  | 'database'
  | 'failpoint'
  | 'fingerprint'
  | 'isOwnerUnmetered'
  | 'keepsLog'
  | 'ledger'
  | 'observer'
  | 'queueSignal'
  | 'ownerUserId'
  | 'policies'
  | 'roleClaim'
  | 'roles'
  | 'turns'
>

/** Carries out one call: what all its attempts share. */
export class Execution implements RecordedCall {
  readonly engine: ExecutionEngine
  readonly invocation: Invocation
  readonly record: InvocationRecord
  readonly slot: CallSlot | undefined
  readonly ids: DerivedIds
  /** Set where nothing of the call is to stay. */
  readonly dryRun: DryRun | undefined
  // Most calls need none of these.
  #journal: Journal | undefined
  #messageReservations: MessageReservations | undefined
  #learntOf: Set<string> | undefined

  constructor(engine: ExecutionEngine, { invocation, record, slot }: RecordedCall) {
    this.engine = engine
    this.invocation = invocation
    this.record = record
    this.slot = slot
    this.ids = new DerivedIds(invocation, record.startedAt, engine.fingerprint)
    this.dryRun = invocation.dryRun && new DryRun(engine, invocation, invocation.dryRun)
  }

  get journal(): Journal {
    this.#journal ??= new Journal(this.dryRun ? NO_STEP_STORE : new DatabaseStepStore(this))
    return this.#journal
  }

  /** Takes over the steps of an earlier call with the same key. */
  resume(steps: readonly StoredStep[]): void {
    if (steps.length > 0) this.journal.resume(steps)
    for (const { identity, cost } of steps) this.record.spend(identity, cost)
  }

  /** The logger of an attempt: what is written by it is kept with the audit, where the app wants that. */
  logOf(attempt: number): Logger {
    const { log } = this.invocation
    return this.engine.keepsLog ? this.record.keepLog(log, attempt) : log
  }

  get messageReservations(): MessageReservations {
    this.#messageReservations ??= new MessageReservations(this)
    return this.#messageReservations
  }

  /** Whether there are reservations for messages. */
  get hasReserved(): boolean {
    return this.#messageReservations?.hasReserved ?? false
  }

  /** Refunds the reservations of messages that were not queued. Never throws. */
  async release(): Promise<void> {
    await this.#messageReservations?.release()
  }

  /** Performs a step, while other calls have the room of this one. @returns why its caller may not have it wait */
  async perform(step: Step, attempt: number): Promise<Failure | undefined> {
    const work = () => this.#timed(step, attempt)
    if (this.slot) return this.slot.whileOutside(work)
    await work()
    return undefined
  }

  #timed(step: Step, attempt: number): Promise<void> {
    // The key of a `once` may hold what belongs to a user.
    const name = step.charge ? step.name : 'once'
    this.record.act()
    return this.record.timeline.during('step', name, ({ span }) => {
      if (!step.charge) return this.#performOnce(step, attempt, span)
      return this.#perform(step, attempt, span)
    })
  }

  async #performOnce(step: Step, attempt: number, span: TraceSpan | undefined): Promise<void> {
    const [at, startedMs] = [new Date(), performance.now()]
    await this.#perform(step, attempt, span)
    if (this.dryRun) return
    const durationMs = Math.round(performance.now() - startedMs)
    const outcome = this.journal.hasLeft(step) ? 'answered' : 'failed'
    this.record.performOnce({ key: step.name.slice('once:'.length), outcome, at, durationMs, attempt })
  }

  #perform(step: Step, attempt: number, span: TraceSpan | undefined): Promise<void> {
    if (!span) return this.journal.perform(step, attempt)
    const perform: Step['perform'] = (effectId, isResent) =>
      step.perform(effectId, isResent, span.outgoingHeaders())
    return span.run(() => this.journal.perform({ ...step, perform }, attempt))
  }

  /** Notes that an attempt has learnt how to insert into a collection; false when that was known. */
  learn(collection: string): boolean {
    this.#learntOf ??= new Set()
    if (this.#learntOf.has(collection)) return false
    this.#learntOf.add(collection)
    return true
  }

  /** Handles new steps that leave an answered step unused; the failure ends the call. */
  diverges(steps: readonly Step[], attempt: number): Failure | undefined {
    const divergence = this.journal.diverges(steps, attempt)
    if (divergence && !divergence.failure) {
      this.invocation.log.warn(
        { step: divergence.step },
        'The data behind a step changed between runs; it is called again, this once',
      )
    }
    return divergence?.failure
  }
}
