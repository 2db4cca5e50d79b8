import type { Failure } from '../core/result.ts'
import { DerivedIds } from './derived-ids.ts'
import { DryRun, NO_STEP_STORE } from './dry-run/dry-run.ts'
import type { Engine } from './engine.ts'
import type { Invocation } from './invocation.ts'
import type { InvocationRecord, RecordedCall } from './invocation-record.ts'
import { Journal, type Step, type StoredStep } from './journal.ts'
import { MessageReservations } from './message-reservations.ts'
import { DatabaseStepStore } from './step-store.ts'

/** The parts of the engine that carry out a call. */
export type ExecutionEngine = Pick<
  Engine,
  | 'auditRows'
  | 'budgets'
  | 'catalog'
  | 'clockOffsetMs'
  | 'database'
  | 'failpoint'
  | 'fingerprint'
  | 'isOwnerUnmetered'
  | 'ledger'
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
  readonly ids: DerivedIds
  /** Set where nothing of the call is to stay. */
  readonly dryRun: DryRun | undefined
  // Most calls need none of these.
  #journal: Journal | undefined
  #messageReservations: MessageReservations | undefined
  #learntOf: Set<string> | undefined

  constructor(engine: ExecutionEngine, { invocation, record }: RecordedCall) {
    this.engine = engine
    this.invocation = invocation
    this.record = record
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
