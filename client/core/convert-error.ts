import type { TRPCClientError } from '@trpc/client'
import { DeputyError } from './error.ts'
import type { DeputyServer } from './server-types.ts'

/** Converts tRPC's own error, with all that it knows. */
export function toDeputyError(error: TRPCClientError<DeputyServer>): DeputyError {
  if (error instanceof DeputyError) return error
  const { data } = error
  return new DeputyError(error.message, {
    code: data?.code,
    requestId: data?.requestId ?? undefined,
    issues: data?.issues ?? undefined,
    details: data?.details ?? undefined,
    cause: error,
  })
}

/** Gives an error to a link, which takes tRPC's. */
export function toTRPCError(error: DeputyError): TRPCClientError<DeputyServer> {
  const same: Error = error
  return same as TRPCClientError<DeputyServer> // Its class extends that one, as the types of the client do not tell.
}
