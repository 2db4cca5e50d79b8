import { TRPCError } from '@trpc/server'
import { type Failure, FailureError } from '../core/result.ts'

/** A failure as tRPC wants it thrown: what the engine refuses by itself, as against what an action answers. */
export function toTrpcError(failure: Failure): TRPCError {
  return new TRPCError({ code: failure.code, message: failure.error, cause: new FailureError(failure) })
}
