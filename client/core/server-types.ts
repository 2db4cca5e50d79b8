import type { AnyRouter, TRPCErrorShape } from '@trpc/server'
import type { ErrorData } from '../../server/core/error-data.ts'

/** What tRPC's links know of every Deputy server. */
export interface DeputyServer {
  readonly transformer: true
  readonly errorShape: TRPCErrorShape<ErrorData>
}

/** A router of tRPC's that is one of Deputy's. */
export type TRPCServerRouter = AnyRouter & {
  readonly _def: { readonly _config: { readonly $types: Pick<DeputyServer, 'transformer'> } }
}
