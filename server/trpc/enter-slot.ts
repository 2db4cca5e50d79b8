import { callingUserId } from '../auth/act-as.ts'
import type { Actor } from '../auth/actor.ts'
import { addressKey } from '../auth/client-address.ts'
import { CallSlot } from '../invocation/call-slots.ts'
import { callerGone, toTrpcError } from '../invocation/failures.ts'
import type { Timeline } from '../invocation/timeline.ts'
import type { RequestContext } from './context.ts'

interface Entering {
  readonly ctx: RequestContext
  readonly actor: Actor
  readonly timeline: Timeline
}

/**
 * Does work in the room of a call, which is given back whatever happens. Only calls of clients need room.
 *
 * @throws {TRPCError} where there are too many calls
 */
export async function inSlot<T>(
  { ctx, actor, timeline }: Entering,
  work: (slot: CallSlot | undefined) => Promise<T>,
): Promise<T> {
  const { engine, source } = ctx
  const held: { slot?: CallSlot } = {}
  const enter = async () => {
    if (source !== 'client') return
    const entered = engine.callSlots.enter(holderOf(ctx, actor))
    const answer = entered instanceof CallSlot ? entered : await entered
    if (!(answer instanceof CallSlot)) {
      engine.observer?.limitRefused('room')
      throw toTrpcError(answer)
    }
    held.slot = answer
    // Where calls wait for room, none is left to those whose callers no longer do.
    if (answer !== entered && ctx.isGone()) throw toTrpcError(callerGone())
  }
  try {
    await timeline.during('room', undefined, enter)
    return await work(held.slot)
  } finally {
    held.slot?.leave()
  }
}

/** Whose part of the room a call takes; undefined for the owner, and for what runs in the app's own process as no one. */
function holderOf({ engine, transport, ip }: RequestContext, actor: Actor): string | undefined {
  const userId = callingUserId(actor)
  if (userId !== undefined) return userId === engine.ownerUserId ? undefined : `user:${userId}`
  if (transport === 'caller') return undefined
  return `address:${ip === undefined ? 'unknown' : addressKey(ip)}`
}
