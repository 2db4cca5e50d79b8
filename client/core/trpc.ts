// The entry `deputyjs/client/trpc`, for packages of tRPC's such as those for React: it brings in their types, which the
// client does without.
import type { TRPCClient } from '@trpc/client'
import type { TRPCBuiltRouter, TRPCErrorShape } from '@trpc/server'
import type { ErrorData } from '../../server/core/error-data.ts'
import type { TRPCProcedures } from '../../server/trpc/procedures.ts'
import type { Client } from './client-types.ts'
import type { AnyDeputyRouter } from './router-types.ts'

/** An app's router as tRPC's packages take it. */
export type TRPCRouter<TRouter extends AnyDeputyRouter> = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: TRPCErrorShape<ErrorData>; transformer: true },
  TRPCProcedures<TRouter['_def']['record']>
>

/** Gives a client as tRPC's packages take it. It is the same one, and every call goes through it. */
export function toTRPCClient<TRouter extends AnyDeputyRouter>(
  client: Client<TRouter>,
): TRPCClient<TRPCRouter<TRouter>> {
  const same: unknown = client
  return same as TRPCClient<TRPCRouter<TRouter>> // `createClient` made it so.
}
