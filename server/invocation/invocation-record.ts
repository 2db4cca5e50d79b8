import type { Logger } from 'pino'
import type { z } from 'zod'
import type { PerformedOnce } from '../audit/call-notes.ts'
import type { Payer } from '../integrations/integrations.ts'
import type { CallSlot } from './call-slots.ts'
import type { ReadCollections } from './changes.ts'
import { type Fingerprint, hashOfInput, type SentInput, storedInput } from './fingerprint.ts'
import type { Invocation } from './invocation.ts'
import { LogLines } from './log-lines.ts'
import { Timeline } from './timeline.ts'
import type { CommittedWrites } from './writes.ts'

/** The input of a call, after its parser. */
export interface AcceptedInput {
  readonly value: unknown
  /** Says which fields are secret. */
  readonly schema: z.ZodType | undefined
}

const NO_PAYERS: ReadonlySet<Payer> = new Set()

/** Records what happens during one call: its input, how often it was run, what it cost, and how it ended. */
export class InvocationRecord {
  /** What its time goes to. */
  readonly timeline: Timeline
  readonly #fingerprint: Fingerprint
  /** The start of the first call with its key, where it continues one. */
  #startedAt: Date
  #sent: SentInput | undefined
  #input: AcceptedInput | undefined
  #attempts = 0
  #conflicts = 0
  #suspensions = 0
  #isReplay = false
  #isAudited = false
  #committed: CommittedWrites | undefined
  #hasMetOutage = false
  #hasActed = false
  #isOutcomeUnknown = false
  // Most calls spend nothing.
  #payers: Set<Payer> | undefined
  #costs: Map<string, number> | undefined
  #inputHash: string | undefined
  #storedInput: string | undefined
  #reads: ReadCollections | undefined
  // Most calls write nothing to the log by themselves.
  #logLines: LogLines | undefined
  #onces: PerformedOnce[] | undefined

  constructor(fingerprint: Fingerprint, startedAt: Date, timeline = new Timeline()) {
    this.timeline = timeline
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

  /** The input as it is stored with an idempotency key. */
  get storedInput(): string {
    this.#storedInput ??= storedInput(this.#fingerprint, this.#sentInput)
    return this.#storedInput
  }

  /** Which collections it has read; undefined where no one asks. */
  get reads(): ReadCollections | undefined {
    return this.#reads
  }

  /** Asks which collections it reads. */
  collectReads(reads: ReadCollections): void {
    this.#reads = reads
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

  /** How many attempts ended in a conflict. */
  get conflicts(): number {
    return this.#conflicts
  }

  meetConflict(): void {
    this.#conflicts += 1
  }

  /** How often a run was suspended for steps. */
  get suspensions(): number {
    return this.#suspensions
  }

  suspend(): void {
    this.#suspensions += 1
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

  /** What it has written and committed, where its caller is to be told of it. */
  get committed(): CommittedWrites | undefined {
    return this.#committed
  }

  commit(committed: CommittedWrites): void {
    this.#committed = committed
  }

  /** Whether the database was unavailable. */
  get hasMetOutage(): boolean {
    return this.#hasMetOutage
  }

  meetOutage(): void {
    this.#hasMetOutage = true
  }

  /** Whether it has made an outside call or a `once`, whose effect stays whatever becomes of it. */
  get hasActed(): boolean {
    return this.#hasActed
  }

  act(): void {
    this.#hasActed = true
  }

  /** Whether COMMIT was sent and got no answer. */
  get isOutcomeUnknown(): boolean {
    return this.#isOutcomeUnknown
  }

  loseOutcome(): void {
    this.#isOutcomeUnknown = true
  }

  /** Who paid for its outbound calls. */
  get payers(): ReadonlySet<Payer> {
    return this.#payers ?? NO_PAYERS
  }

  /** Notes who pays for an outbound call. */
  pay(payer: Payer): void {
    this.#payers ??= new Set()
    this.#payers.add(payer)
  }

  /** Creates a logger for an attempt, whose lines are kept. @param log the logger of the call */
  keepLog(log: Logger, attempt: number): Logger {
    this.#logLines ??= new LogLines(log)
    return this.#logLines.logOf(attempt)
  }

  /** What it has written to the log, as JSON text; null for nothing. */
  get logText(): string | null {
    return this.#logLines?.text ?? null
  }

  /** Notes a `once` step that it has performed. */
  performOnce(once: PerformedOnce): void {
    this.#onces ??= []
    this.#onces.push(once)
  }

  /** The `once` steps that it has performed, as JSON text; null for none. */
  get onceText(): string | null {
    return this.#onces ? JSON.stringify(this.#onces) : null
  }

  /** Notes the cost of a step, in whole micro-credits. */
  spend(identity: string, cost: number): void {
    this.#costs ??= new Map()
    this.#costs.set(identity, cost)
  }

  /** The cost of its outbound calls, in whole micro-credits; undefined when there were none. */
  get cost(): number | undefined {
    if (this.payers.size === 0) return undefined
    return [...(this.#costs?.values() ?? [])].reduce((sum, cost) => sum + cost, 0)
  }
}

/** A call with its record. */
export interface RecordedCall {
  readonly invocation: Invocation
  readonly record: InvocationRecord
  /** Its room among the calls of clients; undefined for what the app does by itself. */
  readonly slot?: CallSlot | undefined
}
