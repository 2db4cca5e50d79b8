import { type Actor, callingUserId } from '../auth/actor.ts'
import { addressKey } from '../auth/client-address.ts'
import type { ActionResult, Failure } from '../core/result.ts'
import { CallSlot } from '../invocation/call-slots.ts'
import { callerGone, toTrpcError } from '../invocation/failures.ts'
import type { InvocationRecord } from '../invocation/invocation-record.ts'
import type { Phase, Timeline } from '../invocation/timeline.ts'
import type { DeclaredLimit } from '../limits/action-limit.ts'
import { countsAsFailing } from '../limits/failing.ts'
import type { LimitedCall, LimitedCaller, Taking } from '../limits/limiter.ts'
import { type Quota, tooManyCalls } from '../limits/quota.ts'
import type { RequestContext } from './context.ts'

/** The limits that one call is counted against. */
export class CallLimits {
  readonly #ctx: RequestContext
  readonly #call: LimitedCall
  #taking: Taking | undefined

  private constructor(ctx: RequestContext, call: LimitedCall) {
    this.#ctx = ctx
    this.#call = call
  }

  /** Gives the limits of a call; undefined for those of the app itself and of its owner, who have none. */
  static of(
    { ctx, path }: { readonly ctx: RequestContext; readonly path: string },
    actor: Actor,
    {
      limit,
      isIntegration = false,
    }: { readonly limit?: DeclaredLimit | undefined; readonly isIntegration?: boolean },
  ): CallLimits | undefined {
    const caller = limitedCaller(ctx, callingUserId(actor))
    return caller && new CallLimits(ctx, { caller, path, declared: limit, isIntegration })
  }

  /** Refuses who is not heard because their calls keep failing. @throws {TRPCError} */
  refuseFailing(): void {
    const quota = this.#ctx.engine.limiter.failing(this.#call.caller)
    if (quota) this.#refuse(quota)
  }

  /** Counts the call. @throws {TRPCError} for one too many; by the promise where others have to be asked first */
  take(): Promise<void> | undefined {
    const taking = this.#ctx.engine.limiter.take(this.#call)
    if (taking instanceof Promise) return taking.then((taken) => this.#note(taken))
    this.#note(taking)
    return undefined
  }

  /** Gives back what a replay took, and counts a failure. */
  end({ isReplay }: Pick<InvocationRecord, 'isReplay'>, result: ActionResult<unknown>): void {
    const { limiter } = this.#ctx.engine
    if (isReplay && this.#taking) limiter.giveBack(this.#taking)
    if (isOfCaller(result)) limiter.fail(this.#call.caller)
  }

  #note(taking: Taking): void {
    const [refused] = taking.quotas
    if (taking.isRefused && refused) this.#refuse(refused)
    for (const quota of taking.quotas) this.#ctx.quotas.note(quota)
    this.#taking = taking
  }

  #refuse(quota: Quota): never {
    this.#ctx.quotas.note(quota)
    const { observer } = this.#ctx.engine
    observer?.limitRefused(quota.policy === this.#call.path ? 'action' : quota.policy)
    throw toTrpcError(tooManyCalls(quota, this.#ctx.engine.clock().getTime()))
  }
}

/** Whether a call has failed by its caller's doing: nothing that is asked to come again. */
function isOfCaller(result: ActionResult<unknown>): boolean {
  if (result.success || !countsAsFailing(result.code)) return false
  return result.details?.retryAfterSeconds === undefined
}

/** Whose calls a request's are counted with; undefined for the app itself and for its owner. */
export function limitedCaller(
  { engine, source, transport, ip }: RequestContext,
  userId: string | undefined,
): LimitedCaller | undefined {
  if (source !== 'client' || (userId !== undefined && userId === engine.ownerUserId)) return undefined
  // In process there is no address, and no stranger.
  if (userId === undefined && transport === 'caller') return undefined
  return { userId, address: ip }
}

interface Entering {
  readonly ctx: RequestContext
  readonly actor: Actor
  readonly timeline: Timeline
}

/**
 * Takes the room of a call, at once where there is any; undefined for calls that need none: only those of clients do. Who
 * takes it gives it back.
 *
 * @throws {TRPCError} where there are too many calls
 */
export function enterSlot(entering: Entering): CallSlot | undefined | Promise<CallSlot> {
  const { ctx, actor, timeline } = entering
  if (ctx.source !== 'client') return undefined
  const phase = timeline.begin('room')
  const entered = ctx.engine.callSlots.enter(holderOf(ctx, actor))
  return entered instanceof Promise
    ? entered.then((slot) => stillWanted(ctx, usable(entering, phase, slot)))
    : usable(entering, phase, entered)
}

function usable({ ctx, timeline }: Entering, phase: Phase, entered: CallSlot | Failure): CallSlot {
  if (entered instanceof CallSlot) {
    try {
      timeline.end(phase)
    } catch (error) {
      entered.leave()
      throw error
    }
    return entered
  }
  ctx.engine.observer?.limitRefused('room')
  const refusal = toTrpcError(entered)
  timeline.end(phase, refusal)
  throw refusal
}

/** Where calls wait for room, none is left to those whose callers no longer do. */
function stillWanted(ctx: RequestContext, slot: CallSlot): CallSlot {
  if (!ctx.isGone()) return slot
  slot.leave()
  throw toTrpcError(callerGone())
}

/** Whose part of the room a call takes; undefined for those whose calls are not counted either. */
function holderOf(ctx: RequestContext, actor: Actor): string | undefined {
  const caller = limitedCaller(ctx, callingUserId(actor))
  if (!caller) return undefined
  const { userId, address } = caller
  return userId === undefined
    ? `address:${address === undefined ? 'unknown' : addressKey(address)}`
    : `user:${userId}`
}
