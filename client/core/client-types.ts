import type { Resolver, TRPCClient } from '@trpc/client'
import type {
  AnyProcedure,
  AnyTRPCRootTypes,
  inferProcedureInput,
  inferProcedureOutput,
  TRPCBuiltRouter,
} from '@trpc/server'
import type { AnyDeputyRouter } from './server-types.ts'

/**
 * Typed by the app's router, end to end. It is a client of tRPC's (`TRPCClient<AppRouter>`), written so that the
 * compiler looks at a procedure when it is asked for: tRPC's own type looks at all of them for one.
 */
export type Client<TRouter extends AnyDeputyRouter> = CallsOf<
  TRouter['_def']['record'],
  TRouter['_def']['_config']['$types']['errorShape']
> &
  Pick<TRPCClient<TRouter>, UntypedKey>

/** The calls of procedures, by their paths. */
type CallsOf<TRecord, TErrorShape> = {
  [K in keyof TRecord]: TRecord[K] extends AnyProcedure
    ? CallOf<TRecord[K], TErrorShape>
    : CallsOf<TRecord[K], TErrorShape>
}

type CallOf<TProcedure extends AnyProcedure, TErrorShape> = TProcedure['_def']['type'] extends 'query'
  ? { query: Resolver<TypesOf<TProcedure, TErrorShape>> }
  : { mutate: Resolver<TypesOf<TProcedure, TErrorShape>> }

interface TypesOf<TProcedure extends AnyProcedure, TErrorShape> {
  input: inferProcedureInput<TProcedure>
  output: inferProcedureOutput<TProcedure>
  errorShape: TErrorShape
  transformer: true
}

/** Where tRPC keeps the client without types, for its own packages. */
type UntypedKey = keyof TRPCClient<TRPCBuiltRouter<AnyTRPCRootTypes, Record<never, never>>>
