import type { Omissible } from '../../server/core/typed-procedures.ts'
import type { AnyDeputyRouter } from './router-types.ts'

/** Typed by the app's router, end to end. The compiler looks at a procedure when it is asked for. */
export type Client<TRouter extends AnyDeputyRouter> = CallsOf<TRouter['_def']['record']>

/** What may be said about one call. */
export interface ClientCallOptions {
  /** `idempotencyKey` is the call's own key; whatever else there is, links of the app's own may read. */
  readonly context?: { readonly idempotencyKey?: string | undefined; readonly [key: string]: unknown }
  /** Ends the call. */
  readonly signal?: AbortSignal
}

/** The calls of procedures, by their paths. */
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
  : { readonly mutate: Call<TProcedure['_def']['$types']> }

type Call<TTypes extends AnyTypedProcedure['_def']['$types']> = (
  input: undefined extends TTypes['input'] ? Omissible<TTypes['input']> : TTypes['input'],
  options?: ClientCallOptions,
) => Promise<TTypes['output']>
