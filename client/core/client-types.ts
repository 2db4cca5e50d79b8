import type { Resolver, TRPCClient } from '@trpc/client'
import type {
  AnyProcedure,
  AnyTRPCRootTypes,
  inferProcedureInput,
  inferProcedureOutput,
  TRPCBuiltRouter,
} from '@trpc/server'
import type { AnyDeputyRouter, DeputyServer } from './server-types.ts'

/**
 * Typed by the app's router, end to end. It is a client of tRPC's (`TRPCClient<AppRouter>`), written so that the
 * compiler looks at a procedure when it is asked for: tRPC's own type looks at all of them for one.
 */
export type Client<TRouter extends AnyDeputyRouter> = CallsOf<TRouter['_def']['record']> &
  Pick<TRPCClient<TRouter>, UntypedKey>

/** The calls of procedures, by their paths. */
type CallsOf<TRecord> = {
  [K in keyof TRecord]: TRecord[K] extends AnyProcedure ? CallOf<TRecord[K]> : CallsOf<TRecord[K]>
}

type CallOf<TProcedure extends AnyProcedure> = TProcedure['_def']['type'] extends 'query'
  ? { query: Resolver<TypesOf<TProcedure>> }
  : { mutate: Resolver<TypesOf<TProcedure>> }

type TypesOf<TProcedure extends AnyProcedure> = DeputyServer & {
  readonly input: inferProcedureInput<TProcedure>
  readonly output: inferProcedureOutput<TProcedure>
}

/** Where tRPC keeps the client without types, for its own packages. */
type UntypedKey = keyof TRPCClient<TRPCBuiltRouter<AnyTRPCRootTypes, Record<never, never>>>
