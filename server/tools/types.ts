import type { DeclarationOf } from '../../drizzle/engine/collection.ts'
import type { MutateActionData, Page, RecordEnvelope } from '../core/record.ts'
import type { ActionResult, JsonValue } from '../core/result.ts'
import type { EndpointAnswer, EndpointData, EndpointName } from '../integrations/endpoint-types.ts'
import type { ActionReference } from './action-reference.ts'
import type { CollectionTypes, TypesOf } from './collection-types.ts'
import type { GrantedCredits, JobProgress, LaterOptions } from './later.ts'
import type { QueryOptions, Where } from './where-types.ts'

/** The row types of the collections among a module's exports, by their names in the database. */
export type CollectionsOf<TModule> = {
  [K in keyof TModule as DeclarationOf<TModule[K]>['name']]: TypesOf<TModule[K]>
}

export type AnyCollections = Readonly<Record<string, CollectionTypes>>

/** The optional last argument of `create`: whether there is an id decides what the data must hold. */
export type RecordIdArgument = [recordId?: string | undefined]

/** A field that is left out or undefined is not changed. */
export interface RegisterUserInput {
  /** @default the caller */
  readonly userId?: string | undefined
  readonly name?: string | undefined
  readonly email?: string | undefined
  readonly imageUrl?: string | undefined
  /** true makes the user an admin; anything else leaves the role as it is. */
  readonly isAdmin?: boolean | undefined
}

/** The tools of a `.query`, which only reads. */
export interface ReadTools<TCollections extends AnyCollections, TDatabase> {
  get<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
  ): Promise<ActionResult<{ readonly record: RecordEnvelope<TCollections[K]['record']> }>>
  query<K extends keyof TCollections & string>(
    collection: K,
    options?: QueryOptions<TCollections[K]['compared']>,
  ): Promise<ActionResult<Page<RecordEnvelope<TCollections[K]['record']>>>>
  count<K extends keyof TCollections & string>(
    collection: K,
    where?: Where<TCollections[K]['compared']>,
  ): Promise<ActionResult<{ readonly count: number }>>
  /** Joins and aggregates that the verbs do not cover: Drizzle bound to this attempt's transaction. */
  sql<T>(run: (database: TDatabase) => Promise<T>): Promise<ActionResult<T>>
}

/** The app's authority over its data and its integrations. It authorizes nothing by itself. */
export interface Tools<TCollections extends AnyCollections, TDatabase, TIntegrations>
  extends ReadTools<TCollections, TDatabase> {
  /**
   * Creates a record under an id that is minted. With an id it upserts by merge: absent, the record is created;
   * present, the fields given are written and the others kept.
   */
  create<K extends keyof TCollections & string, TId extends RecordIdArgument>(
    collection: K,
    data: TId extends [string] ? TCollections[K]['patch'] : TCollections[K]['create'],
    ...recordId: TId
  ): Promise<ActionResult<MutateActionData>>
  update<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
    patch: TCollections[K]['patch'],
    options?: { readonly ifVersion?: number },
  ): Promise<ActionResult<MutateActionData>>
  remove<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
  ): Promise<ActionResult<MutateActionData>>
  /** Patches up to `limit` (100 by default, at most 10 000) matching records; repeat until below the limit. */
  updateWhere<K extends keyof TCollections & string>(
    collection: K,
    where: Where<TCollections[K]['compared']>,
    patch: TCollections[K]['patch'],
    limit?: number,
  ): Promise<ActionResult<{ readonly updated: number }>>
  deleteWhere<K extends keyof TCollections & string>(
    collection: K,
    where: Where<TCollections[K]['compared']>,
    limit?: number,
  ): Promise<ActionResult<{ readonly deleted: number }>>
  /** Adds to numeric fields in SQL; an empty field counts as 0. */
  increment<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
    amounts: TCollections[K]['amounts'],
  ): Promise<ActionResult<MutateActionData>>
  registerUser(input?: RegisterUserInput): Promise<
    ActionResult<{
      readonly user: 'users' extends keyof TCollections
        ? RecordEnvelope<TCollections['users']['record']>
        : RecordEnvelope
    }>
  >
  /**
   * Calls a third party, typed by its declaration. Who pays is decided by `integrations.ts` and the verified caller.
   * An integration that is not declared there is the owner's, where a proxy serves it.
   */
  integration<N extends string>(
    endpoint: EndpointName<TIntegrations, N>,
    ...data: EndpointData<TIntegrations, N>
  ): Promise<ActionResult<EndpointAnswer<TIntegrations, N>>>
  /**
   * Queues a call of a third party: it is sent after the action has committed, at least once, under a key that stays
   * the same, and never if the action fails. What it may cost is reserved when the action commits.
   */
  enqueue<N extends string>(
    endpoint: EndpointName<TIntegrations, N>,
    ...data: EndpointData<TIntegrations, N>
  ): Promise<ActionResult<{ readonly messageId: string }>>
  /**
   * Queues an action that is run after this one has committed, once: a job. It runs with the user's id, or the owner's;
   * gate and role are decided when it runs. What passes is tried again; what gives up waits for the owner.
   */
  later<TInput>(
    action: ActionReference<TInput>,
    input: NoInfer<TInput>,
    options?: LaterOptions,
  ): Promise<ActionResult<{ readonly jobId: string }>>
  /** Cancels a job that waits. */
  cancel(jobId: string): Promise<ActionResult<{ readonly jobId: string }>>
  /** Notes how far a job is, for the list of jobs: at once, whatever becomes of the job. */
  progress(told: JobProgress): Promise<ActionResult<undefined>>
  /** Runs `run` once per invocation, however often the handler is run again; its answer must be JSON. */
  once<T extends JsonValue | undefined>(key: string, run: () => Promise<T> | T): Promise<ActionResult<T>>
}

/** What an action of the owner's or of the app's own has beside them. */
export interface PrivilegedTools<TCollections extends AnyCollections, TDatabase, TIntegrations>
  extends Tools<TCollections, TDatabase, TIntegrations> {
  /** Grants credits to an account. They are booked once, right after the commit. */
  grantCredits(granted: GrantedCredits): Promise<ActionResult<{ readonly grantId: string }>>
}
