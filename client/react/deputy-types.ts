import type {
  DataTag,
  InfiniteData,
  MutationKey,
  QueryClient,
  QueryFunction,
  QueryKey,
  SkipToken,
  UseInfiniteQueryOptions,
  UseInfiniteQueryResult,
  UseMutationOptions,
  UseMutationResult,
  UseQueryOptions,
  UseQueryResult,
  UseSuspenseInfiniteQueryResult,
  UseSuspenseQueryResult,
} from '@tanstack/react-query'
import type { FunctionComponent, ReactNode } from 'react'
import type { RecordEnvelope } from '../../server/core/record.ts'
import type { Omissible } from '../../server/core/typed-procedures.ts'
import type { DeputyError } from '../core/error.ts'
import type { AnyDeputyRouter } from '../core/router-types.ts'
import type { ConnectOptions, DeputyConnection } from './connections.ts'

/** The hooks of an app. The compiler looks at a procedure when it is asked for. */
export type Deputy<TRouter extends AnyDeputyRouter> = OwnHooks<TRouter> &
  HooksOfApp<TRouter['_def']['record']>

interface OwnHooks<TRouter extends AnyDeputyRouter> {
  /**
   * Connects a query client with a server: once in a browser, once for each request on a server that renders.
   * @throws {RangeError} for a value in `retries` that is no count or no number of milliseconds.
   */
  connect(options: ConnectOptions): DeputyConnection<TRouter>
  /** Gives the components below it the query client of a connection. */
  readonly Provider: FunctionComponent<ProviderProps>
  /** The mutations of a collection, whose changes are shown at once, and taken back where they fail. */
  useRecords<TName extends keyof RecordsOf<TRouter> & string>(
    collection: TName,
    options?: RecordsOptions,
  ): RecordMutations<RecordsOf<TRouter>[TName]>
  /** Whether what is shown live comes as it changes; false while the server cannot be reached, and it may be old. */
  useIsLive(): boolean
  /** What the keys of all its queries begin with. */
  queryKey(): QueryKey
}

export interface ProviderProps {
  /** What `connect` has given. */
  readonly connection: { readonly queryClient: QueryClient }
  readonly children?: ReactNode
}

export interface RecordsOptions {
  /** Whether a change is shown before the server has answered. @default true */
  readonly optimistic?: boolean
}

type RecordsOf<TRouter extends AnyDeputyRouter> = TRouter['_def']['record'] extends {
  readonly records: infer TRecords
}
  ? TRecords
  : never

/** The hooks of procedures, by their paths; those of collections have more. */
type HooksOfApp<TRecord> = {
  readonly [K in keyof TRecord]: K extends 'records'
    ? HooksOfCollections<TRecord[K]>
    : K extends 'actions'
      ? HooksOfActions<TRecord[K]>
      : HooksOf<TRecord[K]>
}

/** Actions that only read are shown live as well. */
type HooksOfActions<TActions> = {
  readonly [K in keyof TActions]: TActions[K] extends AnyTypedProcedure
    ? HooksOfProcedure<TActions[K]> & LiveHooksOf<TActions[K]>
    : never
}

type LiveHooksOf<TProcedure extends AnyTypedProcedure> = TProcedure['_def']['type'] extends 'query'
  ? LiveHooks<InputOf<TProcedure>, DataOf<OutputOf<TProcedure>>> &
      WithResults<LiveHooks<InputOf<TProcedure>, OutputOf<TProcedure>>>
  : unknown

interface LiveHooks<TInput, TData> {
  /**
   * Shows what the action answers now and after each change. A failure is its error until it answers something else.
   *
   * @param input `skipToken` for a query that waits
   */
  useLive<TSelected = TData>(
    input: Given<TInput> | SkipToken,
    options?: QueryExtras<TData, TSelected>,
  ): UseQueryResult<TSelected, DeputyError>
}

type HooksOfCollections<TRecords> = {
  readonly [K in keyof TRecords]: HooksOf<TRecords[K]> & CollectionHooks<TRecords[K]>
}

type HooksOf<TRecord> = {
  readonly [K in keyof TRecord]: TRecord[K] extends AnyTypedProcedure
    ? HooksOfProcedure<TRecord[K]>
    : HooksOf<TRecord[K]>
}

interface AnyTypedProcedure {
  readonly _def: {
    readonly type: string
    readonly $types: { readonly input: unknown; readonly output: unknown }
  }
}

type InputOf<TProcedure> = TProcedure extends AnyTypedProcedure
  ? TProcedure['_def']['$types']['input']
  : never
type OutputOf<TProcedure> = TProcedure extends AnyTypedProcedure
  ? TProcedure['_def']['$types']['output']
  : never
/** The data of a success. */
type DataOf<TOutput> = TOutput extends { readonly success: true; readonly data: infer TData } ? TData : never

type HooksOfProcedure<TProcedure extends AnyTypedProcedure> = TProcedure['_def']['type'] extends 'query'
  ? QueryHooks<InputOf<TProcedure>, DataOf<OutputOf<TProcedure>>> &
      WithResults<QueryHooks<InputOf<TProcedure>, OutputOf<TProcedure>>>
  : MutationHooks<InputOf<TProcedure>, DataOf<OutputOf<TProcedure>>> &
      WithResults<MutationHooks<InputOf<TProcedure>, OutputOf<TProcedure>>>

interface WithResults<THooks> {
  /** The same, where a failure that the action returns is data as well: an ActionResult. */
  readonly asResult: THooks
}

/** An input as hooks take it. */
type Given<TInput> = undefined extends TInput ? Omissible<TInput> : TInput

/** What TanStack Query takes beside the key and the function, which are ours. */
type QueryExtras<TData, TSelected> = Omit<
  UseQueryOptions<TData, DeputyError, TSelected, QueryKey>,
  'queryKey' | 'queryFn'
>
type InfiniteExtras<TData, TSelected> = Omit<
  UseInfiniteQueryOptions<TData, DeputyError, TSelected, QueryKey, string | null>,
  'queryKey' | 'queryFn' | 'initialPageParam' | 'getNextPageParam'
>
type MutationExtras<TData, TInput, TContext> = Omit<
  UseMutationOptions<TData, DeputyError, TInput, TContext>,
  'mutationKey' | 'mutationFn'
>

/** Options for `useQuery`, `prefetchQuery`, `useSuspenseQuery` and the like. */
export type DeputyQueryOptions<TData, TSelected> = QueryExtras<TData, TSelected> & {
  queryKey: DataTag<QueryKey, TData, DeputyError>
  queryFn: QueryFunction<TData, QueryKey>
}

interface QueryHooks<TInput, TData> {
  /** The key of a query; without an input what the keys of all its queries begin with. */
  queryKey(input?: TInput): DataTag<QueryKey, TData, DeputyError>
  queryOptions<TSelected = TData>(
    input: Given<TInput>,
    options?: QueryExtras<TData, TSelected>,
  ): DeputyQueryOptions<TData, TSelected>
  /** @param input `skipToken` for a query that waits */
  useQuery<TSelected = TData>(
    input: Given<TInput> | SkipToken,
    options?: QueryExtras<TData, TSelected>,
  ): UseQueryResult<TSelected, DeputyError>
  useSuspenseQuery<TSelected = TData>(
    input: Given<TInput>,
    options?: QueryExtras<TData, TSelected>,
  ): UseSuspenseQueryResult<TSelected, DeputyError>
  infiniteQueryKey(input?: TInput): DataTag<QueryKey, InfiniteData<TData, string | null>, DeputyError>
  /** Of a query that takes a `cursor` and answers with `nextCursor`. */
  infiniteQueryOptions<TSelected = InfiniteData<TData, string | null>>(
    input: Given<TInput>,
    options?: InfiniteExtras<TData, TSelected>,
  ): UseInfiniteQueryOptions<TData, DeputyError, TSelected, QueryKey, string | null> & {
    queryKey: DataTag<QueryKey, InfiniteData<TData, string | null>, DeputyError>
  }
  useInfiniteQuery<TSelected = InfiniteData<TData, string | null>>(
    input: Given<TInput> | SkipToken,
    options?: InfiniteExtras<TData, TSelected>,
  ): UseInfiniteQueryResult<TSelected, DeputyError>
  useSuspenseInfiniteQuery<TSelected = InfiniteData<TData, string | null>>(
    input: Given<TInput>,
    options?: InfiniteExtras<TData, TSelected>,
  ): UseSuspenseInfiniteQueryResult<TSelected, DeputyError>
}

interface MutationHooks<TInput, TData> {
  mutationKey(): MutationKey
  mutationOptions<TContext = unknown>(
    options?: MutationExtras<TData, Given<TInput>, TContext>,
  ): UseMutationOptions<TData, DeputyError, Given<TInput>, TContext>
  useMutation<TContext = unknown>(
    options?: MutationExtras<TData, Given<TInput>, TContext>,
  ): UseMutationResult<TData, DeputyError, Given<TInput>, TContext>
}

type ProcedureOf<TProcedures, TName extends string> = TProcedures extends {
  readonly [K in TName]: infer TProcedure
}
  ? TProcedure
  : never

type ListInputOf<TProcedures> = InputOf<ProcedureOf<TProcedures, 'list'>>
type PageOf<TProcedures> = DataOf<OutputOf<ProcedureOf<TProcedures, 'list'>>>
type RecordOf<TProcedures> =
  DataOf<OutputOf<ProcedureOf<TProcedures, 'get'>>> extends {
    readonly record: infer TRecord
  }
    ? TRecord
    : RecordEnvelope

/** What a live query shows. */
type ShownBy<TProcedures, TName extends string> =
  OutputOf<ProcedureOf<TProcedures, TName>> extends AsyncIterable<infer TData> ? TData : never

interface CollectionHooks<TProcedures> {
  /** What the keys of all queries of the collection begin with. */
  queryKey(): QueryKey
  /** Reads a page of the records that the user may read, with the changes that are on their way. */
  useList<TSelected = PageOf<TProcedures>>(
    input: Given<ListInputOf<TProcedures>> | SkipToken,
    options?: QueryExtras<PageOf<TProcedures>, TSelected>,
  ): UseQueryResult<TSelected, DeputyError>
  /** The same, page after page: `fetchNextPage` reads the next one. */
  useInfiniteList<TSelected = InfiniteData<PageOf<TProcedures>, string | null>>(
    input: Given<ListInputOf<TProcedures>> | SkipToken,
    options?: InfiniteExtras<PageOf<TProcedures>, TSelected>,
  ): UseInfiniteQueryResult<TSelected, DeputyError>
  /** Reads one record, with the changes that are on their way. Waits while there is no id. */
  useRecord<TSelected = RecordOf<TProcedures>>(
    recordId: string | undefined,
    options?: QueryExtras<RecordOf<TProcedures>, TSelected>,
  ): UseQueryResult<TSelected, DeputyError>
  /** Shows a page as it is now and after each change, by whomever, as the user may read it then. */
  useLive<TSelected = ShownBy<TProcedures, 'live'>>(
    input: Given<InputOf<ProcedureOf<TProcedures, 'live'>>> | SkipToken,
    options?: QueryExtras<ShownBy<TProcedures, 'live'>, TSelected>,
  ): UseQueryResult<TSelected, DeputyError>
  /** Shows a record as it is now and after each change; null where there is none that the user may read. */
  useLiveRecord<TSelected = RecordOf<TProcedures> | null>(
    recordId: string | undefined,
    options?: QueryExtras<RecordOf<TProcedures> | null, TSelected>,
  ): UseQueryResult<TSelected, DeputyError>
}

/** The mutations of a collection, each as `useMutation` gives it. */
export interface RecordMutations<TProcedures> {
  readonly create: RecordMutation<ProcedureOf<TProcedures, 'create'>>
  readonly update: RecordMutation<ProcedureOf<TProcedures, 'update'>>
  readonly remove: RecordMutation<ProcedureOf<TProcedures, 'remove'>>
}

type RecordMutation<TProcedure> = UseMutationResult<
  DataOf<OutputOf<TProcedure>>,
  DeputyError,
  InputOf<TProcedure>
>
