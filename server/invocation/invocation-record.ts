import type { z } from 'zod'
import type { Fingerprint } from './fingerprint.ts'
import type { Invocation } from './invocation.ts'
import { hashOfInput, keptOfInput, type SentInput } from './sent-input.ts'

/** What a call was given, after its parser. */
export interface AcceptedInput {
  readonly value: unknown
  /** Says which fields are secret. */
  readonly schema: z.ZodType | undefined
}

type Payer = 'owner' | 'caller'

const NO_PAYERS: ReadonlySet<Payer> = new Set()

/** Records what comes of one call: what it was given, how often it was run, what it cost, and how it ended. */
export class InvocationRecord {
  readonly #fingerprint: Fingerprint
  /** That of the first call with its key, where it goes on with one. */
  #startedAt: Date
  #sent: SentInput | undefined
  #input: AcceptedInput | undefined
  #attempts = 0
  #isReplay = false
  #isAudited = false
  #hasMetOutage = false
  #isOutcomeUnknown = false
  // Most calls spend nothing.
  #payers: Set<Payer> | undefined
  #costs: Map<string, number> | undefined
  #inputHash: string | undefined
  #keptInput: string | undefined

  constructor(fingerprint: Fingerprint, startedAt: Date) {
    this.#fingerprint = fingerprint
    this.#startedAt = startedAt
  }

  get startedAt(): Date {
    return this.#startedAt
  }

  /** Goes on with the call that came first with the same key. */
  resume(startedAt: Date): void {
    this.#startedAt = startedAt
  }

  /** Notes what was sent, whether or not the parser will accept it. */
  receive(sent: SentInput): void {
    this.#sent = sent
  }

  /** Notes what the parser has accepted. */
  accept(value: unknown, schema?: z.ZodType): void {
    this.#input = { value, schema }
  }

  get input(): AcceptedInput | undefined {
    return this.#input
  }

  /** The HMAC of the input as it was sent; undefined for one that was not valid. */
  get inputHash(): string | undefined {
    if (this.#input) this.#inputHash ??= hashOfInput(this.#fingerprint, this.#sentInput)
    return this.#inputHash
  }

  /** What an idempotency key keeps of the input. */
  get keptInput(): string {
    this.#keptInput ??= keptOfInput(this.#fingerprint, this.#sentInput)
    return this.#keptInput
  }

  get #sentInput(): SentInput {
    return this.#sent ?? { raw: this.#input?.value, revived: this.#input?.value }
  }

  /** How often the handler was run. */
  get attempts(): number {
    return this.#attempts
  }

  /** Notes the nth run of the handler. */
  attempt(number: number): void {
    this.#attempts = number
  }

  /** Whether the answer is that of a call before it. */
  get isReplay(): boolean {
    return this.#isReplay
  }

  replay(): void {
    this.#isReplay = true
  }

  /** Whether its audit row was committed with what it wrote. */
  get isAudited(): boolean {
    return this.#isAudited
  }

  auditedAtCommit(): void {
    this.#isAudited = true
  }

  /** Whether the database was found away. */
  get hasMetOutage(): boolean {
    return this.#hasMetOutage
  }

  meetOutage(): void {
    this.#hasMetOutage = true
  }

  /** Whether COMMIT was sent and nothing came back. */
  get isOutcomeUnknown(): boolean {
    return this.#isOutcomeUnknown
  }

  loseOutcome(): void {
    this.#isOutcomeUnknown = true
  }

  /** Whose money its outside calls spent. */
  get payers(): ReadonlySet<Payer> {
    return this.#payers ?? NO_PAYERS
  }

  /** Notes whose money an outside call spends. */
  pay(payer: Payer): void {
    this.#payers ??= new Set()
    this.#payers.add(payer)
  }

  /** Notes what the outside call of this identity cost, in whole micro-credits. */
  spend(identity: string, cost: number): void {
    this.#costs ??= new Map()
    this.#costs.set(identity, cost)
  }

  /** What its outside calls cost, in whole micro-credits; undefined when there were none. */
  get cost(): number | undefined {
    if (this.payers.size === 0) return undefined
    return [...(this.#costs?.values() ?? [])].reduce((sum, cost) => sum + cost, 0)
  }
}

/** A call, and what is recorded of it. */
export interface RecordedCall {
  readonly invocation: Invocation
  readonly record: InvocationRecord
}
