import { callingUserId } from '../auth/act-as.ts'
import type { Actor } from '../auth/actor.ts'
import { type Failure, fail } from '../core/result.ts'
import type { DryRunOptions } from '../invocation/dry-run/options.ts'
import { noDryRun, toTrpcError } from '../invocation/failures.ts'
import type { RequestContext } from './context.ts'

/** Gives the options of a dry run. @throws {TRPCError} where it is asked for what there is not. */
export function dryRunOf(
  { ctx, batchIndex }: { readonly ctx: RequestContext; readonly batchIndex: number },
  hasDryRun: boolean,
): DryRunOptions | undefined {
  const { dryRun } = ctx
  if (dryRun === undefined) return undefined
  const refusal = dryRunRefusal(dryRun, hasDryRun, ctx.idempotency[batchIndex] !== undefined)
  if (refusal) throw toTrpcError(refusal)
  return dryRun === 'invalid' ? undefined : dryRun
}

function dryRunRefusal(dryRun: unknown, hasDryRun: boolean, hasKey: boolean): Failure | undefined {
  if (dryRun === 'invalid')
    return fail('BAD_REQUEST', 'Deputy-Dry-Run must be true; leave it out for a call that counts.')
  if (!hasDryRun) return noDryRun()
  return hasKey
    ? fail('BAD_REQUEST', 'A dry run takes no Idempotency-Key: nothing of it is kept that could be repeated.')
    : undefined
}

/** Refuses a dry run to whom it could tell what the rules hide. @throws {TRPCError} */
export function refuseDryRun(
  { engine }: RequestContext,
  actor: Actor,
  by: 'owner' | 'caller' | undefined,
): void {
  const isOwner = engine.ownerUserId !== undefined && callingUserId(actor) === engine.ownerUserId
  if (isOwner || by === 'caller') return
  const isUnset = engine.ownerUserId === undefined ? ', and OWNER_USER_ID is not set' : ''
  throw toTrpcError(fail('FORBIDDEN', `Only the app's owner may ask for a dry run of this action${isUnset}.`))
}
