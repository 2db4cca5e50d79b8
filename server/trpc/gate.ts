import type { Actor, UserActor } from '../auth/actor.ts'
import { type Authentication, knownActor, verifiedUser } from '../auth/authentication.ts'
import { type Failure, fail, ok } from '../core/result.ts'
import { toTrpcError } from '../invocation/failures.ts'
import { Caller } from '../records/caller.ts'
import type { RequestContext } from './context.ts'
import { DirectReads } from './run-as-caller.ts'

/** Gives the verified user who calls: at once where it is known already. @throws {TRPCError} when there is none. */
export function users({ authenticator }: RequestContext): UserActor | Promise<UserActor> {
  const authentication = authenticator.authenticate()
  return authentication instanceof Promise ? authentication.then(userOf) : userOf(authentication)
}

/** Gives the one who calls: without a token they are anonymous. @throws {TRPCError} for a token that is not valid. */
export async function anyone({ authenticator }: RequestContext): Promise<Actor> {
  const caller = knownActor(await authenticator.authenticate())
  if ('failure' in caller) throw toTrpcError(caller.failure)
  return caller.actor
}

/** Gives the one as whom the app runs what no client can call. @throws {TRPCError} for clients, and for a blocked user */
export async function appAlone(ctx: RequestContext): Promise<Actor> {
  if (ctx.source === 'client') throw toTrpcError(fail('NOT_FOUND', 'There is no such action.'))
  return anyone(ctx)
}

function userOf(authentication: Authentication): UserActor {
  const caller = verifiedUser(authentication)
  if ('failure' in caller) throw toTrpcError(caller.failure)
  return caller.actor
}

/** A call before its input is looked at. */
export interface GateCall<TActor extends Actor> {
  readonly ctx: RequestContext
  readonly actor: TActor
  /** Reads what was sent, as it came. For a gate that asks what is called. */
  readInput(): unknown
}

/** Decides who may call: undefined lets the caller in, a failure does not. */
export type Gate<TActor extends Actor = UserActor> = (
  call: GateCall<TActor>,
) => Failure | undefined | Promise<Failure | undefined>

/** Lets the owner in, and no one when there is none. */
export const ownerOnly: Gate = ({ ctx: { engine }, actor }) => {
  if (engine.ownerUserId === undefined)
    return fail('FORBIDDEN', "Only the app's owner may call this, and OWNER_USER_ID is not set.")
  return actor.userId === engine.ownerUserId
    ? undefined
    : fail('FORBIDDEN', "Only the app's owner may call this.")
}

/** Lets callers of one role in; the owner counts as admin. The role is read again for every call. */
export function roleOnly(
  role: string,
  refusal = `Only the role ${JSON.stringify(role)} may call this.`,
): Gate {
  return async ({ ctx: { engine, requestId }, actor }) => {
    const reads = new DirectReads(engine, requestId)
    const caller = await reads.call({ tool: 'role' }, async () =>
      ok(await new Caller(reads, actor, engine).ruleActor()),
    )
    if (!caller.success) return caller
    return caller.data.role === role ? undefined : fail('FORBIDDEN', refusal)
  }
}
