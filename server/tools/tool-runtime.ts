import type { SQL } from 'drizzle-orm'
import type { ActionResult, JsonValue } from '../core/result.ts'
import type { QueryResult, SqlError, Statement } from '../db/database.ts'
import type { OutboundCall, SideEffectOutcome } from '../integrations/integrations.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'

export type WriteOperation = 'create' | 'update' | 'remove'

/** What a reading verb needs: the catalog, and a way to run statements. */
export interface ReadRuntime {
  readonly catalog: Catalog
  /** Runs one statement: in the attempt's transaction, which it opens if need be, or without one. */
  execute(statement: SQL): Promise<QueryResult>
  /** Runs a statement that is written already. */
  run(statement: Statement): Promise<QueryResult>
}

/** What a writing verb needs of its attempt. */
export interface WriteRuntime extends ReadRuntime {
  /** The same in every attempt of an invocation. */
  readonly now: Date
  /** Whose call this is; null when the app did without a user. */
  readonly userId: string | null
  /** The nth id is the same in every attempt of an invocation. */
  mintId(): string
  /** Tries a statement and undoes it: returns its error, or undefined. */
  trial(statement: SQL): Promise<SqlError | undefined>
  /**
   * Conceals in an error of COMMIT what a constraint of this collection must not reveal: the verb that wrote can no longer
   * catch it.
   */
  concealAtCommit(collection: string, conceal: (error: SqlError) => SqlError): void
  /** Is told of records that are about to be written. @param ids a query that selects their ids */
  willWrite(entry: CatalogEntry, ids: SQL): Promise<void>
  /** Records that a record was written: for turns under contention, and for the audit. */
  wrote(operation: WriteOperation, entry: CatalogEntry, recordId: string): void
}

/** One call of a tool. */
export interface ToolCall {
  /** Names it in the log. */
  readonly tool: string
  /** The record that it is about, `collection/id`, for turns under contention. @default none */
  readonly record?: string | undefined
  /** The collection that it reads all it answers from. @default it reads none, or says what it reads by `didRead` */
  readonly collection?: string | undefined
  /** @default false */
  readonly writes?: boolean
}

/** Runs one call of a tool. */
export type CallTool = <T>(call: ToolCall, body: () => Promise<ActionResult<T>>) => Promise<ActionResult<T>>

/** What the reading verbs of an API need. */
export interface ReadToolRuntime extends ReadRuntime {
  readonly call: CallTool
  /** Is told of the collections that a read depends on, where anyone asks for them. */
  didRead?(collections: Iterable<string> | 'all'): void
}

/** The most that an outbound call may cost, and who pays. */
export type Charge = Pick<OutboundCall, 'payer' | 'transport' | 'reserve' | 'takesKey'>

/** Asks for an outbound call, or for the function of a `once`. */
export interface StepRequest {
  readonly name: string
  /** The fingerprint of what is sent, which tells equal steps from others. */
  readonly fingerprint: string
  /** @default none: a `once` costs nothing */
  readonly charge?: Charge | undefined
  /**
   * @param effectId the side effect's id, the same in every attempt at it.
   * @param isResent whether a server that died may have sent it before.
   * @param traceHeaders what tells the provider what the step is a part of, where the app traces.
   */
  perform(effectId: string, isResent: boolean, traceHeaders?: TraceHeaders): Promise<StepResult>
}

/** Headers such as `traceparent`. */
export type TraceHeaders = Readonly<Record<string, string>>

/** The result of a step. */
export interface StepResult {
  readonly value: JsonValue | undefined
  readonly outcome: SideEffectOutcome
  /** In whole micro-credits. */
  readonly cost: number
  /** The HTTP status of the newest answer. @default none came */
  readonly status?: number | undefined
}

/** Asks for a job that is run after the commit. */
export interface JobRequest {
  /** The action that it runs. */
  readonly name: string
  /** The input as it was given, in the form of `toStored`. */
  readonly input: string
  readonly runAs: 'owner' | 'caller' | 'nobody'
  /** When it is due at the earliest: an instant, or milliseconds from now. */
  readonly due: Date | number
  readonly maxAttempts: number
  /** Unique for the action while it waits. */
  readonly key: string | undefined
  /** Whether it takes the place of one that waits with the same key. */
  readonly isReplacing: boolean
}

/** What came of canceling a job. `missing`: it has ended, or there never was one. */
export type JobCancellation = 'canceled' | 'running' | 'missing'

/** What tools queue, to be done after the commit. */
export interface ToolQueue {
  /** Queues a message. @returns its id, the same in every attempt */
  message(name: string, data: JsonValue, charge: Charge): string
  /** Queues a job. @returns its id, or that of the one that waits with its key */
  job(request: JobRequest): Promise<string>
  cancel(id: string): Promise<JobCancellation>
  /** Queues a grant of credits. @returns its key in the ledger */
  grant(account: string, amount: number): string
  readonly messages: readonly unknown[]
  readonly allJobs: readonly unknown[]
  readonly grants: readonly unknown[]
}

/** What the tools of an action need of its attempt. */
export interface ToolRuntime extends WriteRuntime {
  readonly call: CallTool
  /** Answers an outbound call from the journal, or makes it. @throws {FailureError} when it may not be made */
  step(request: StepRequest): Promise<unknown>
  readonly queue: ToolQueue
  /** Milliseconds that are left of the invocation's longest life. */
  readonly remainingLifeMs: number
  /** Records that the app's own SQL ran, whose writes are not known. */
  ranSql(): void
  /** Runs the function of a `once`, in which no tool may be used. */
  runOnce<T>(run: () => T): T
}
