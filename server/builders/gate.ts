import type { UserActor } from '../auth/actor.ts'
import { type Failure, fail, ok } from '../core/result.ts'
import { Caller } from '../records/caller.ts'
import type { RequestContext } from '../trpc/context.ts'
import { DirectReads } from '../trpc/direct-reads.ts'

/** Who may call an action: undefined lets the caller in, a failure does not. */
export type Gate = (ctx: RequestContext, actor: UserActor) => Refusal | Promise<Refusal>

type Refusal = Failure | undefined

/** Lets every verified caller in. */
export const anyCaller: Gate = () => undefined

/** Lets the owner in, and nobody when there is none. */
export const ownerOnly: Gate = ({ engine }, actor) => {
  if (engine.ownerUserId === undefined)
    return fail('FORBIDDEN', "Only the app's owner may call this, and OWNER_USER_ID is not set.")
  return actor.userId === engine.ownerUserId
    ? undefined
    : fail('FORBIDDEN', "Only the app's owner may call this.")
}

/** Lets callers of one role in; the owner counts as admin. The role is read anew for every call. */
export function roleOnly(role: string): Gate {
  return async ({ engine, requestId }, actor) => {
    const reads = new DirectReads(engine, requestId)
    const caller = await reads.call('role', undefined, false, async () =>
      ok(await new Caller(reads, actor, engine).ruleActor()),
    )
    if (!caller.success) return caller
    return caller.data.role === role
      ? undefined
      : fail('FORBIDDEN', `Only the role ${JSON.stringify(role)} may call this.`)
  }
}
