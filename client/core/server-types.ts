import type { AnyRouter, TRPCErrorShape } from '@trpc/server'
import type { ErrorData } from '../../server/trpc/init.ts'

/** What tRPC's links know of every Deputy server. */
export interface DeputyServer {
  readonly transformer: true
  readonly errorShape: TRPCErrorShape<ErrorData>
}

/** The router of any app: `DeputyServer`, as its `server/app.ts` exports it. */
export type AnyDeputyRouter = AnyRouter & {
  readonly _def: { readonly _config: { readonly $types: Pick<DeputyServer, 'transformer'> } }
}
