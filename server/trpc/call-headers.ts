import { type Actor, callingUserId } from '../auth/actor.ts'
import { type Failure, fail } from '../core/result.ts'
import type { DryRunOptions } from '../invocation/dry-run/options.ts'
import { noDryRun, toTrpcError } from '../invocation/failures.ts'
import type { RecordedCall } from '../invocation/invocation-record.ts'
import { noticeOf } from '../invocation/write-notice.ts'
import type { RequestContext } from './context.ts'
import { directReads } from './run-as-caller.ts'

/** A call as its request has it: what headers ask counts for one call of a batch, or for all of them. */
interface CallPlace {
  readonly ctx: RequestContext
  /** The position in its batch, from 0. */
  readonly batchIndex: number
}

/**
 * Refuses what the headers of a request ask of a call that does not have it.
 *
 * @returns the options of the dry run that they ask for, if they do.
 * @throws {TRPCError}
 */
export function checkHeaders(
  call: CallPlace,
  kind: 'query' | 'mutation',
  hasDryRun: boolean,
): DryRunOptions | undefined {
  refuseKeyOfRead(call, kind)
  const dryRun = dryRunOf(call, hasDryRun)
  refuseUnknownTelling(call.ctx)
  return dryRun
}

/** Refuses a key that would be of no use, since what only reads can be repeated as it is. */
function refuseKeyOfRead({ ctx, batchIndex }: CallPlace, kind: 'query' | 'mutation'): void {
  // In process the key is an option of the caller, for the mutations among what is called.
  if (kind !== 'query' || ctx.transport === 'caller' || ctx.idempotency[batchIndex] === undefined) return
  throw toTrpcError(
    fail('BAD_REQUEST', 'An Idempotency-Key is for what writes, and this only reads: leave it out.'),
  )
}

/** Gives the options of a dry run. */
function dryRunOf({ ctx, batchIndex }: CallPlace, hasDryRun: boolean): DryRunOptions | undefined {
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

function refuseUnknownTelling({ tellsWrites }: RequestContext): void {
  if (tellsWrites !== 'invalid') return
  throw toTrpcError(
    fail(
      'BAD_REQUEST',
      'Deputy-Tell-Writes must be true; leave it out to be told nothing of what is written.',
    ),
  )
}

/** Keeps for the answer what a call wrote that its caller may know of. */
export async function noticeWrites({ ctx, batchIndex }: CallPlace, call: RecordedCall): Promise<void> {
  const reads = directReads({ engine: ctx.engine, actor: call.invocation.actor, ...call })
  const notice = await noticeOf(ctx.engine, reads, call)
  if (notice !== '') ctx.notices.set(batchIndex, notice)
}
