import type { InferInsertModel, InferSelectModel } from 'drizzle-orm'
import type { AnyCollection, ManagedField, SystemField } from '../../drizzle/engine/collection.ts'
import type { ActionResult, JsonValue } from '../core/result.ts'
import type { EndpointAnswer, EndpointData, EndpointName } from '../integrations/endpoint-types.ts'

/** The collections among a module's exports, by their names in the database. */
export type CollectionsOf<TModule> = {
  [K in keyof TModule as TModule[K] extends AnyCollection
    ? TModule[K]['_']['name']
    : never]: TModule[K] extends AnyCollection ? TModule[K] : never
}

export type AnyCollections = Record<string, AnyCollection>

/** What a record holds besides its system fields. */
export type RecordData<T extends AnyCollection> = Omit<InferSelectModel<T>, SystemField>

/** A record as tools return it. */
export interface Envelope<TData = Record<string, unknown>> {
  readonly recordId: string
  readonly data: TData
  /** The verified user whose call created it; null when the app did without a user. */
  readonly createdBy: string | null
  /** Null only where `unreadable` names it. */
  readonly createdAt: Date | null
  /** Null only where `unreadable` names it, until the next write. */
  readonly updatedAt: Date | null
  /** Starts at 1 and grows by one with every write; after 2 147 483 647 it is 1 again. */
  readonly version: number
  /**
   * Fields whose stored value no answer can carry as it is, such as `infinity` in a date: they are null, whatever
   * their type says. `createdAt` and `updatedAt` may be among them. Only what was written beside Deputy can be so.
   * Absent where there is none.
   */
  readonly unreadable?: readonly string[]
}

export type RecordOf<T extends AnyCollection> = Envelope<RecordData<T>>
/** What data may hold; the system's own fields are ruled out by name, so that the compiler refuses them. */
export type CreateData<T extends AnyCollection> = Omit<InferInsertModel<T>, SystemField | ManagedField<T>> & {
  readonly [K in SystemField | ManagedField<T>]?: never
}
export type Patch<T extends AnyCollection> = Partial<CreateData<T>>

type Comparable = string | number | bigint | boolean | Date

interface ComparisonOf<V> {
  readonly eq?: V | null
  /** NULL counts as different from every value. */
  readonly ne?: V | null
  readonly gt?: V
  readonly gte?: V
  readonly lt?: V
  readonly lte?: V
  readonly in?: readonly V[]
  readonly notIn?: readonly V[]
  readonly isNull?: boolean
}

interface TextComparison {
  /** `%` and `_` are literals. */
  readonly contains?: string
  readonly startsWith?: string
}

interface ElementComparison<V> {
  /** A value that is among the elements. */
  readonly has?: V
  readonly isNull?: boolean
}

type Condition<V> = [V] extends [Comparable]
  ? V | null | (ComparisonOf<V> & ([V] extends [string] ? TextComparison : unknown))
  : [V] extends [readonly (infer E extends Comparable)[]]
    ? null | ElementComparison<E>
    : { readonly isNull: boolean }

type Filterable<T extends AnyCollection> = Omit<InferSelectModel<T>, 'version'>

/** Conditions on a collection's fields; all that are named must hold. */
export type Where<T extends AnyCollection> = {
  readonly [K in keyof Filterable<T>]?: Condition<NonNullable<Filterable<T>[K]>>
} & {
  readonly AND?: readonly Where<T>[]
  readonly OR?: readonly Where<T>[]
  readonly NOT?: Where<T>
}

export interface QueryOptions<T extends AnyCollection> {
  readonly where?: Where<T> | undefined
  /** @default 'createdAt' */
  readonly orderBy?: (keyof Filterable<T> & string) | undefined
  /** @default 'desc' */
  readonly orderDir?: 'asc' | 'desc' | undefined
  /** 1…1000. Without it, more than 1000 matches are refused. */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null | undefined
  /** Without effect: infinite queries of tRPC's React integrations send it. */
  readonly direction?: 'forward' | undefined
}

export interface Page<TRecord> {
  readonly records: readonly TRecord[]
  /** How many records this page holds; the total is `tools.count`. */
  readonly count: number
  /** Where the next page starts; null on the last. */
  readonly nextCursor: string | null
}

export interface MutateActionData {
  readonly recordId: string
}

/** What may be added to a field; a decimal that is kept as text takes text as well. */
type AmountOf<T extends AnyCollection, K extends keyof T['_']['columns']> =
  NonNullable<T['_']['columns'][K]['_']['data']> extends number | bigint
    ? number | bigint
    : T['_']['columns'][K]['_']['columnType'] extends 'PgNumeric'
      ? number | string
      : never

/** Amounts by field, for fields that can be added to. */
export type Amounts<T extends AnyCollection> = {
  readonly [K in Exclude<keyof T['_']['columns'], SystemField> as AmountOf<T, K> extends never
    ? never
    : K]?: AmountOf<T, K>
}

/** What is left out, or undefined, stays as it is. */
export interface RegisterUserInput {
  /** @default the caller */
  readonly userId?: string | undefined
  readonly name?: string | undefined
  readonly email?: string | undefined
  readonly imageUrl?: string | undefined
  /** true makes the user an admin; anything else leaves the role as it is. */
  readonly isAdmin?: boolean | undefined
}

/** Reading tools: all that a `.query` has. */
export interface ReadTools<TCollections extends AnyCollections, TDatabase> {
  get<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
  ): Promise<ActionResult<{ readonly record: RecordOf<TCollections[K]> }>>
  query<K extends keyof TCollections & string>(
    collection: K,
    options?: QueryOptions<TCollections[K]>,
  ): Promise<ActionResult<Page<RecordOf<TCollections[K]>>>>
  count<K extends keyof TCollections & string>(
    collection: K,
    where?: Where<TCollections[K]>,
  ): Promise<ActionResult<{ readonly count: number }>>
  /** Joins and aggregates that the verbs do not cover: Drizzle bound to this attempt's transaction. */
  sql<T>(run: (database: TDatabase) => Promise<T>): Promise<ActionResult<T>>
}

/** The app's authority over its data and its integrations. It authorizes nothing by itself. */
export interface Tools<TCollections extends AnyCollections, TDatabase, TIntegrations>
  extends ReadTools<TCollections, TDatabase> {
  /** Creates a record under an id that is minted. */
  create<K extends keyof TCollections & string>(
    collection: K,
    data: CreateData<TCollections[K]>,
  ): Promise<ActionResult<MutateActionData>>
  /** Upserts by merge: absent, it is created; present, the fields given are written and the others kept. */
  create<K extends keyof TCollections & string>(
    collection: K,
    data: Patch<TCollections[K]>,
    recordId: string,
  ): Promise<ActionResult<MutateActionData>>
  update<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
    patch: Patch<TCollections[K]>,
    options?: { readonly ifVersion?: number },
  ): Promise<ActionResult<MutateActionData>>
  remove<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
  ): Promise<ActionResult<MutateActionData>>
  /** Patches up to `limit` (100 by default, at most 10 000) matching records; repeat until below the limit. */
  updateWhere<K extends keyof TCollections & string>(
    collection: K,
    where: Where<TCollections[K]>,
    patch: Patch<TCollections[K]>,
    limit?: number,
  ): Promise<ActionResult<{ readonly updated: number }>>
  deleteWhere<K extends keyof TCollections & string>(
    collection: K,
    where: Where<TCollections[K]>,
    limit?: number,
  ): Promise<ActionResult<{ readonly deleted: number }>>
  /** Adds to numeric fields in SQL; an empty field counts as 0. */
  increment<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
    amounts: Amounts<TCollections[K]>,
  ): Promise<ActionResult<MutateActionData>>
  registerUser(input?: RegisterUserInput): Promise<
    ActionResult<{
      readonly user: 'users' extends keyof TCollections ? RecordOf<TCollections['users']> : Envelope
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
  /** Runs `run` once per invocation, however often the handler is run again; its answer must be JSON. */
  once<T extends JsonValue | undefined>(key: string, run: () => Promise<T> | T): Promise<ActionResult<T>>
}
