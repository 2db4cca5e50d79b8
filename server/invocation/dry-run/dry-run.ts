import { type ActionResult, type Failure, FailureError, type JsonValue } from '../../core/result.ts'
import { toStatement } from '../../db/statement.ts'
import type { Transaction } from '../../db/transaction.ts'
import type { ReservationSettings } from '../../ledger/reservation.ts'
import type { QueuedByAction } from '../../queue/work.ts'
import { Caller } from '../../records/caller.ts'
import type { CatalogEntry } from '../../tools/catalog.ts'
import type { Charge, ReadRuntime, StepRequest } from '../../tools/tool-runtime.ts'
import { allRecords, type VisibleRecords } from '../../tools/visible-records.ts'
import type { Engine } from '../engine.ts'
import type { Invocation } from '../invocation.ts'
import type { StepStore } from '../journal.ts'
import { reservationAccountOf } from '../payer.ts'
import type { Stop } from '../run-state.ts'
import type { Write } from '../writes.ts'
import type { DryRunOptions } from './options.ts'
import { NO_WRITES, readWrites, type SeenWrites } from './read-writes.ts'
import { type Counts, readCounts } from './unreported-changes.ts'

const SAVEPOINT = { sql: 'savepoint deputy_dry_run', params: [] }
const UNDO = { sql: 'rollback to savepoint deputy_dry_run', params: [] }
/** What a COMMIT would check. */
const CHECK_NOW = { sql: 'set constraints all immediate', params: [] }

/** What a dry run needs of the engine. */
export type DryRunEngine = ReservationSettings &
  Pick<Engine, 'catalog' | 'policies' | 'roles' | 'roleClaim' | 'ownerUserId'>

/** What an attempt has written and queued when it has come to its end. */
export interface Written extends QueuedByAction {
  readonly writes: readonly Write[]
}

/** What is known of a transaction before anything is written in it. */
interface Opened {
  readonly counts: Counts
  shown(entry: CatalogEntry): VisibleRecords | undefined
}

/** Keeps nothing of the steps of a dry run: no hold, no journal. */
export const NO_STEP_STORE: StepStore = {
  effectIdOf: () => '',
  reserve: async () => undefined,
  sent: async () => {},
  resume: async () => {},
  close: async () => {},
}

/** Sees to it that nothing of a call stays, and looks at what would have. */
export class DryRun {
  /** Whether the app's owner asks, who may see all of it. */
  readonly isOwner: boolean
  readonly #engine: DryRunEngine
  readonly #invocation: Invocation
  readonly #answers: ReadonlyMap<string, ActionResult<JsonValue>>
  readonly #charges = new Map<string, Charge>()
  #opened: Opened | undefined
  #stop: Stop | undefined
  #seen: SeenWrites = NO_WRITES
  #written: Written = { writes: [], messages: [], jobs: [], grants: [] }

  constructor(engine: DryRunEngine, invocation: Invocation, { answers = {} }: DryRunOptions) {
    this.#engine = engine
    this.#invocation = invocation
    this.#answers = new Map(Object.entries(answers))
    this.isOwner = engine.ownerUserId !== undefined && invocation.callingUserId === engine.ownerUserId
  }

  /** The step that it stopped at. */
  get stop(): Stop | undefined {
    return this.#stop
  }

  get seen(): SeenWrites {
    return this.#seen
  }

  get written(): Written {
    return this.#written
  }

  /** What the steps would be charged that were answered, and the one that it stopped at. */
  get charges(): readonly Charge[] {
    return [...this.#charges.values()]
  }

  /** How a step is answered in place of being made; undefined where the run stops at it. @throws {FailureError} */
  answering({ name, charge }: StepRequest): StepRequest['perform'] | undefined {
    const refusal = charge && this.#refusal(charge)
    if (refusal) throw new FailureError(refusal)
    const answer = this.#answers.get(name)
    if (answer === undefined) return undefined
    return async () => {
      // An outside call gives its answer as a result, the function of a `once` what it returns.
      if (charge) return { value: JSON.parse(JSON.stringify(answer)), outcome: 'nothing', cost: 0 }
      if (!answer.success) throw new FailureError(answer)
      return { value: answer.data, outcome: 'nothing', cost: 0 }
    }
  }

  /** Notes what a step would be charged at most. */
  wouldCharge(identity: string, charge: Charge | undefined): void {
    if (charge) this.#charges.set(identity, charge)
  }

  /** Prepares a transaction that was opened, before anything is written in it. */
  async open(transaction: Transaction): Promise<void> {
    if (this.#invocation.readOnly) return
    const runtime = this.#scopeOf(transaction)
    // What the caller may see is decided by who they are, not by who the run would make of them.
    const shown = this.isOwner ? allRecords : await this.#shownTo(runtime)
    const counts = await readCounts(runtime)
    await transaction.query(SAVEPOINT)
    this.#opened = { counts, shown }
  }

  /**
   * Looks at what an attempt has written, and takes it back. `stop` is where it came to; without one it has come to
   * its end, and what COMMIT would check is checked.
   *
   * @returns the failure that the call would end with.
   * @throws what COMMIT would throw.
   */
  async look(
    transaction: Transaction | undefined,
    written: Written,
    stop: Stop | undefined,
  ): Promise<Failure | undefined> {
    const refusal = written.messages.map(({ charge }) => this.#refusal(charge)).find((failure) => failure)
    if (refusal) return refusal
    this.#seen =
      transaction && this.#opened
        ? await this.#read(transaction, written.writes, stop, this.#opened)
        : NO_WRITES
    this.#written = written
    this.#stop = stop
    return undefined
  }

  async #read(
    transaction: Transaction,
    writes: readonly Write[],
    stop: Stop | undefined,
    opened: Opened,
  ): Promise<SeenWrites> {
    if (!stop) await transaction.query(CHECK_NOW)
    return readWrites(this.#scopeOf(transaction), {
      ...opened,
      writes,
      undo: async () => {
        await transaction.query(UNDO)
      },
    })
  }

  /** Why nothing can be charged to the one who would pay. */
  #refusal({ payer }: Charge): Failure | undefined {
    const owner = reservationAccountOf(this.#engine, this.#invocation, payer)
    return 'failure' in owner ? owner.failure : undefined
  }

  async #shownTo(runtime: ReadRuntime): Promise<(entry: CatalogEntry) => VisibleRecords | undefined> {
    const { policies } = this.#engine
    const actor = await new Caller(runtime, this.#invocation.actor, this.#engine).ruleActor()
    return ({ name }) => {
      const permission = policies.get(name)?.for(actor)
      return permission?.allowsSome('read') ? permission.visible : undefined
    }
  }

  #scopeOf(transaction: Transaction): ReadRuntime {
    return {
      catalog: this.#engine.catalog,
      execute: (statement) => transaction.query(toStatement(statement)),
      run: (statement) => transaction.query(statement),
    }
  }
}
