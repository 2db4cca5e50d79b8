import type { Omissible } from '../../server/core/typed-procedures.ts'
import type { LiveHandlers, LiveSubscription } from './live-types.ts'
import type { AnyDeputyRouter } from './router-types.ts'

/** Typed by the app's router, end to end. The compiler looks at a procedure when it is asked for. */
export type Client<TRouter extends AnyDeputyRouter> = CallsOfApp<TRouter['_def']['record']>

/** What may be said about one call. */
export interface ClientCallOptions {
  /** `idempotencyKey` is the call's own key; whatever else there is, links of the app's own may read. */
  readonly context?: { readonly idempotencyKey?: string | undefined; readonly [key: string]: unknown }
  /** Ends the call. */
  readonly signal?: AbortSignal
}

/** The calls of procedures, by their paths; actions that only read are shown live as well. */
type CallsOfApp<TRecord> = {
  readonly [K in keyof TRecord]: K extends 'actions' ? CallsOfActions<TRecord[K]> : CallsOf<TRecord[K]>
}

type CallsOfActions<TActions> = {
  readonly [K in keyof TActions]: TActions[K] extends AnyTypedProcedure
    ? CallOf<TActions[K]> & LiveCallOf<TActions[K]>
    : never
}

type LiveCallOf<TProcedure extends AnyTypedProcedure> = TProcedure['_def']['type'] extends 'query'
  ? { readonly live: { readonly subscribe: Subscribe<Shown<TProcedure['_def']['$types']>> } }
  : unknown

/** What a query answers, as a stream of it. */
interface Shown<TTypes extends AnyTypedProcedure['_def']['$types']> {
  readonly input: TTypes['input']
  readonly output: AsyncIterable<TTypes['output']>
}

type CallsOf<TRecord> = {
  readonly [K in keyof TRecord]: TRecord[K] extends AnyTypedProcedure
    ? CallOf<TRecord[K]>
    : CallsOf<TRecord[K]>
}

interface AnyTypedProcedure {
  readonly _def: {
    readonly type: string
    readonly $types: { readonly input: unknown; readonly output: unknown }
  }
}

type CallOf<TProcedure extends AnyTypedProcedure> = TProcedure['_def']['type'] extends 'query'
  ? { readonly query: Call<TProcedure['_def']['$types']> }
  : TProcedure['_def']['type'] extends 'subscription'
    ? { readonly subscribe: Subscribe<TProcedure['_def']['$types']> }
    : { readonly mutate: Call<TProcedure['_def']['$types']> }

/** Shows an answer, and again after each change, until it is ended. It connects again by itself. */
type Subscribe<TTypes extends AnyTypedProcedure['_def']['$types']> = (
  input: undefined extends TTypes['input'] ? Omissible<TTypes['input']> : TTypes['input'],
  handlers: LiveHandlers<TTypes['output'] extends AsyncIterable<infer TData> ? TData : never>,
) => LiveSubscription

type Call<TTypes extends AnyTypedProcedure['_def']['$types']> = (
  input: undefined extends TTypes['input'] ? Omissible<TTypes['input']> : TTypes['input'],
  options?: ClientCallOptions,
) => Promise<TTypes['output']>
