import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'
import { UUID, uuidv7 } from 'uuidv7'
import type { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import type { Failure } from '../core/result.ts'
import type { Budget } from '../ledger/budgets.ts'
import type { Engine } from './engine.ts'
import type { KeyScope } from './idempotency.ts'
import { Journal, type Step, type StoredStep } from './journal.ts'
import { Outgoing } from './outgoing.ts'
import { hashOfInput, keptOfInput, type SentInput } from './sent-input.ts'
import { StepStore } from './step-store.ts'

export interface InvocationOptions {
  readonly engine: Engine
  readonly actor: Actor
  readonly action: string
  readonly requestId: string
  /** A `.query`: its transaction only reads. */
  readonly readOnly: boolean
  /** Time that the handler may take in all its runs. */
  readonly deadlineMs: number
  /** How long the call may last, whatever it waits for. @default 120000 */
  readonly lifetimeMs?: number
  /** @default 'caller' */
  readonly transport?: Transport
  /** The address that the call came from. */
  readonly ip?: string | undefined
  /** The caller's idempotency key. */
  readonly key?: string | undefined
  /** Whether it leaves an audit row whatever it does. @default false */
  readonly isAudited?: boolean
  /** What the action may spend of the owner's money in a day, in place of the default. */
  readonly actionBudget?: Partial<Budget> | undefined
}

export type Transport = 'trpc' | 'rest' | 'caller'

/** What a call was given, after its parser. */
export interface InvocationInput {
  readonly value: unknown
  /** Says which fields are secret. */
  readonly schema: z.ZodType | undefined
}

type Payer = 'owner' | 'caller'

const NOBODY: ReadonlySet<Payer> = new Set()
const DEFAULT_LIFETIME_MS = 120_000
/** A holder that has died keeps what it holds for this long after the longest life of an invocation. */
const LEASE_MARGIN_MS = 30_000

/** Set while the function of a `once` runs: tools would write in a transaction that is not theirs. */
const insideOnce = new AsyncLocalStorage<true>()

/** One call of one action, with what stays the same in every attempt at it. */
export class Invocation {
  readonly id = uuidv7()
  readonly engine: Engine
  readonly actor: Actor
  readonly action: string
  readonly actionKey: string
  readonly requestId: string
  readonly readOnly: boolean
  readonly transport: Transport
  readonly ip: string | undefined
  readonly isAudited: boolean
  readonly key: string | undefined
  readonly actionBudget: Partial<Budget> | undefined
  // Most calls need none of these.
  #journal: Journal | undefined
  #outgoing: Outgoing | undefined
  #payers: Set<Payer> | undefined
  #learntOf: Set<string> | undefined
  #costs: Map<string, number> | undefined
  /** Set once it was read, whether or not the parser will accept it. @default what the parser accepted */
  sent: SentInput | undefined
  /** Set once the parser has accepted it. */
  input: InvocationInput | undefined
  /** How often its handler was run. */
  attempts = 0
  /** Whether its audit row is kept already. */
  isRecorded = false
  /** Whether the database was found away. */
  hasMetOutage = false
  /** Whether COMMIT was sent and nothing came back. */
  isOutcomeUnknown = false
  /** Whether its answer is that of an invocation before it. */
  isReplay = false
  readonly lifetimeMs: number
  /** What is left of the deadline. */
  remainingMs: number
  readonly #mintedIds: string[] = []
  readonly #startedAt = performance.now()
  #now: Date
  #inputHash: string | undefined
  #keptInput: string | undefined
  #log: Logger | undefined

  constructor(options: InvocationOptions) {
    this.engine = options.engine
    this.actor = options.actor
    this.action = options.action
    this.actionKey = `action:${options.action}`
    this.requestId = options.requestId
    this.readOnly = options.readOnly
    this.remainingMs = options.deadlineMs
    this.lifetimeMs = options.lifetimeMs ?? DEFAULT_LIFETIME_MS
    this.transport = options.transport ?? 'caller'
    this.ip = options.ip
    this.isAudited = options.isAudited ?? false
    this.key = options.key
    this.actionBudget = options.actionBudget
    this.#now = options.engine.clock()
  }

  get journal(): Journal {
    this.#journal ??= new Journal(new StepStore(this))
    return this.#journal
  }

  get outgoing(): Outgoing {
    this.#outgoing ??= new Outgoing(this)
    return this.#outgoing
  }

  /** Collections that an attempt of it has learnt how to insert into. */
  get learntOf(): Set<string> {
    this.#learntOf ??= new Set()
    return this.#learntOf
  }

  /** Whether money was set aside for messages. */
  get hasReserved(): boolean {
    return this.#outgoing?.hasReserved ?? false
  }

  /** Gives back what was set aside for messages that were not queued. Never throws. */
  async release(): Promise<void> {
    await this.#outgoing?.release()
  }

  /** Whose money outside calls of it spent. */
  get payers(): ReadonlySet<Payer> {
    return this.#payers ?? NOBODY
  }

  /** The same in every attempt. */
  get now(): Date {
    return this.#now
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt
  }

  /** What is left of its longest life. */
  get remainingLifeMs(): number {
    return Math.max(0, this.lifetimeMs - this.elapsedMs)
  }

  /** From now on, a holder of what it has set aside that is at work longer counts as dead. */
  get leaseMs(): number {
    return this.remainingLifeMs + LEASE_MARGIN_MS
  }

  /** What its outside calls cost, in whole micro-credits; undefined when there were none. */
  get cost(): number | undefined {
    if (this.payers.size === 0) return undefined
    return [...(this.#costs?.values() ?? [])].reduce((sum, cost) => sum + cost, 0)
  }

  /** The HMAC of the input as it was sent; undefined for one that was not valid. */
  get inputHash(): string | undefined {
    if (this.input) this.#inputHash ??= hashOfInput(this.engine.fingerprint, this.#sentInput)
    return this.#inputHash
  }

  /** What the key keeps of the input. */
  get keptInput(): string {
    this.#keptInput ??= keptOfInput(this.engine.fingerprint, this.#sentInput)
    return this.#keptInput
  }

  get #sentInput(): SentInput {
    return this.sent ?? { raw: this.input?.value, revived: this.input?.value }
  }

  /** What a key belongs to; undefined without one, and for a caller who is nobody. */
  get keyScope(): KeyScope | undefined {
    if (this.key === undefined || this.actor.kind !== 'user') return undefined
    return { actor: this.actor.userId, action: this.action, key: this.key }
  }

  /** Goes on where an earlier invocation of the same key was left: its time, and so what its steps were built from. */
  resume(now: Date, steps: readonly StoredStep[]): void {
    this.#now = now
    if (steps.length > 0) this.journal.resume(steps)
    for (const { identity, cost } of steps) this.#noteCost(identity, cost)
  }

  /** Notes whose money an outside call spends. */
  paidFor({ charge }: Step): void {
    if (!charge) return
    this.#payers ??= new Set()
    this.#payers.add(charge.payer)
  }

  /** Notes what an outside call cost. */
  costOf({ identity }: Step, cost: number): void {
    this.#noteCost(identity, cost)
  }

  /** What each outside call cost, in whole micro-credits, by its identity. */
  #noteCost(identity: string, cost: number): void {
    this.#costs ??= new Map()
    this.#costs.set(identity, cost)
  }

  /** Names an outside effect: the same for whoever goes on with this call, in another process too, and no other's. */
  effectOf(identity: string): string {
    const { keyScope } = this
    const call = keyScope ? [keyScope.actor, keyScope.action, keyScope.key, this.#now.getTime()] : [this.id]
    return this.engine.fingerprint([...call, identity])
  }

  get log(): Logger {
    this.#log ??= this.engine.log.child(this.logged)
    return this.#log
  }

  /** What each line of the log says of it. */
  get logged() {
    return {
      requestId: this.requestId,
      invocationId: this.id,
      action: this.action,
      actor: this.actor.kind === 'user' ? this.actor.userId : this.actor.kind,
    }
  }

  /** The nth id that a run mints: the same in every run. */
  mintedId(position: number): string {
    const known = this.#mintedIds[position]
    if (known !== undefined) return known
    const { keyScope } = this
    const id = keyScope ? this.#derivedId(keyScope, position) : uuidv7()
    this.#mintedIds[position] = id
    return id
  }

  /** A UUIDv7 that a later invocation of the same key, in another process too, mints again. */
  #derivedId({ actor, action, key }: KeyScope, position: number): string {
    const seed = [actor, action, key, this.#now.getTime(), position]
    const bytes = Buffer.from(this.engine.fingerprint(seed), 'base64url')
    const low = bytes.readUInt32BE(0)
    const high = bytes.readUInt32BE(4) >>> 2
    return UUID.fromFieldsV7(this.#now.getTime(), position % 4_096, high, low).toString()
  }

  /** Deals with new steps that leave an answered one unused; the failure ends the invocation. */
  diverges(steps: readonly Step[], run: number): Failure | undefined {
    const divergence = this.journal.diverges(steps, run)
    if (divergence && !divergence.failure) {
      this.log.warn(
        { step: divergence.step },
        'The data behind a step changed between runs; it is called anew, this once',
      )
    }
    return divergence?.failure
  }

  isInsideOnce(): boolean {
    return insideOnce.getStore() === true
  }

  runOnce<T>(run: () => T): T {
    return insideOnce.run(true, run)
  }
}
