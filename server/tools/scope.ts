import type { SQL } from 'drizzle-orm'
import type { ActionResult, JsonValue } from '../core/result.ts'
import type { QueryResult, SqlError, Statement } from '../db/database.ts'
import type { EffectOutcome, OutboundCall } from '../integrations/integrations.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'

export type WriteOperation = 'create' | 'update' | 'remove'

/** What a reading verb needs: something to send its statement with. */
export interface ReadScope {
  readonly catalog: Catalog
  /** Runs one statement: in the attempt's transaction, which it opens if need be, or without one. */
  execute(statement: SQL): Promise<QueryResult>
  /** The same, of a statement that is written already. */
  run(statement: Statement): Promise<QueryResult>
}

/** What a verb needs of the attempt that it runs in. */
export interface ToolScope extends ReadScope {
  /** The same in every attempt of an invocation. */
  readonly now: Date
  /** Whose call this is; null when the app did without a user. */
  readonly userId: string | null
  /** The nth id is the same in every attempt of an invocation. */
  mintId(): string
  /** What a statement would fail with, undefined when it would not. Nothing of it stays. */
  trial(statement: SQL): Promise<SqlError | undefined>
  /**
   * What a constraint of this collection must not tell is taken from an error that comes with COMMIT, when it is too
   * late for whoever wrote to catch it.
   */
  concealAtCommit(collection: string, conceal: (error: SqlError) => SqlError): void
  /** Records that a record was written: for turns under contention, and for the audit. */
  wrote(operation: WriteOperation, entry: CatalogEntry, recordId: string): void
}

/** One call of a tool. */
export interface ToolCall {
  /** Names it in the log. */
  readonly tool: string
  /** The record that it is about, `collection/id`, for turns under contention. @default none */
  readonly record?: string | undefined
  /** @default false */
  readonly writes?: boolean
}

/** Runs one call of a tool. */
export type CallTool = <T>(call: ToolCall, body: () => Promise<ActionResult<T>>) => Promise<ActionResult<T>>

/** What the reading half of an API needs. */
export interface ReadRunner extends ReadScope {
  readonly call: CallTool
}

/** What an outside call may cost, and whom. */
export type Charge = Pick<OutboundCall, 'payer' | 'transport' | 'reserve' | 'takesKey'>

/** An outside call, or the function of a `once`. */
export interface StepRequest {
  readonly name: string
  /** Of what is sent: equal steps are told apart from others by it. */
  readonly fingerprint: string
  /** @default nobody pays, since nothing is bought */
  readonly charge?: Charge | undefined
  /**
   * @param effect names the outside effect, the same in every attempt at it.
   * @param isResent whether somebody who broke off may have caused it before.
   */
  perform(effect: string, isResent: boolean): Promise<Performed>
}

/** What a step came to. */
export interface Performed {
  readonly value: JsonValue | undefined
  readonly effect: EffectOutcome
  /** In whole micro-credits. */
  readonly cost: number
}

/** What the tools API needs of the attempt beyond that: calls that know their state, and steps. */
export interface ToolRunner extends ToolScope {
  readonly call: CallTool
  /** Answers an outside call from the journal, or makes it. @throws {FailureError} when it may not be made */
  step(request: StepRequest): Promise<unknown>
  /** Queues a message that is sent after the commit. @returns its id, the same in every attempt */
  enqueue(name: string, data: JsonValue, charge: Charge): string
  /** How many messages are queued. */
  readonly messages: readonly unknown[]
  /** What is left of the longest life of the invocation, in milliseconds. */
  readonly remainingLifeMs: number
  /** Records that SQL of the app's own ran: nobody can say what it wrote. */
  ranSql(): void
  /** Runs the function of a `once`, in which no tool may be used. */
  runOnce<T>(run: () => T): T
}
