import type { Actor, UserActor } from '../auth/actor.ts'
import { type Authentication, knownActor, verifiedUser } from '../auth/authentication.ts'
import { toTrpcError } from '../invocation/to-trpc-error.ts'
import type { RequestContext } from './context.ts'

/** Gives the verified user who calls: at once where it is known already. @throws {TRPCError} when there is none. */
export function users({ authenticator }: RequestContext): UserActor | Promise<UserActor> {
  const { settled } = authenticator
  return settled ? userOf(settled) : authenticator.authenticate().then(userOf)
}

/** Gives the one who calls: without a token they are anonymous. @throws {TRPCError} for a token that is not valid. */
export async function anyone({ authenticator }: RequestContext): Promise<Actor> {
  const caller = knownActor(await authenticator.authenticate())
  if ('failure' in caller) throw toTrpcError(caller.failure)
  return caller.actor
}

function userOf(authentication: Authentication): UserActor {
  const caller = verifiedUser(authentication)
  if ('failure' in caller) throw toTrpcError(caller.failure)
  return caller.actor
}
