import { callingUserId } from '../auth/actor.ts'
import type { Authentication } from '../auth/authentication.ts'
import type { Failure } from '../core/result.ts'
import { failingAddress } from '../invocation/failure-record.ts'
import { isFailingStatus } from '../limits/failing.ts'
import type { LimitedCaller } from '../limits/limiter.ts'
import { tooManyCalls } from '../limits/quota.ts'
import { limitedCaller } from '../trpc/call-limits.ts'
import type { RequestContext } from '../trpc/context.ts'
import { MAX_BATCH_SIZE } from '../trpc/json-calls.ts'
import type { HttpAnswer } from './exchange.ts'

/** Who sent a request, as its failures are counted; undefined where they are not. At once where it is known already. */
export function failingCallerOf(
  ctx: RequestContext,
): LimitedCaller | undefined | Promise<LimitedCaller | undefined> {
  const known = ctx.authenticator.identify()
  return known instanceof Promise ? known.then((identity) => callerOf(ctx, identity)) : callerOf(ctx, known)
}

function callerOf(ctx: RequestContext, identity: Authentication): LimitedCaller | undefined {
  switch (identity.kind) {
    case 'unavailable':
      return undefined
    case 'blocked':
    case 'not acting':
      return limitedCaller(ctx, identity.userId)
    case 'refused':
      return limitedCaller(ctx, undefined)
    case 'actor':
      return limitedCaller(ctx, callingUserId(identity.actor))
  }
}

/** Says why a request is not looked at: too many of its caller's have failed. */
export function refuseFailing(
  { engine, quotas }: RequestContext,
  caller: LimitedCaller,
  action: string,
): Failure | undefined {
  const quota = engine.limiter.failing(caller)
  if (!quota) return undefined
  quotas.note(quota)
  engine.observer?.limitRefused(quota.policy)
  const { userId, address } = caller
  const whose = userId === undefined ? failingAddress(address) : `user ${userId}`
  // Whoever sends on and on fills neither audit nor log.
  engine.failures.count({ userId, caller: whose, action, code: 'TOO_MANY_REQUESTS' })
  return tooManyCalls(quota, engine.clock().getTime())
}

/**
 * Counts the calls of a request that were refused before they were heard: what was sent could not be read, or there is
 * nothing of that name. Those that were heard count by themselves.
 *
 * @param asked how many calls the request asks for, and its method
 */
export function countUnheard(
  { engine, heard }: RequestContext,
  caller: LimitedCaller,
  { status, headers }: Pick<HttpAnswer, 'status' | 'headers'>,
  { calls, method }: { readonly calls: number; readonly method: string },
): void {
  const unheard = Math.min(calls, MAX_BATCH_SIZE) - heard.size
  if (unheard <= 0) return
  // Of a batch some calls may have been refused, and it is answered all the same.
  const isAnswered = status < 300 && (method === 'GET' || method === 'POST')
  const isRefused = isFailingStatus(status) && headers['retry-after'] === undefined
  if (!isAnswered && !isRefused) return
  for (let counted = 0; counted < unheard; counted += 1) engine.limiter.fail(caller)
}
