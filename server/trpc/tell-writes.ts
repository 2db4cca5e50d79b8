import { fail } from '../core/result.ts'
import { toTrpcError } from '../invocation/failures.ts'
import type { RecordedCall } from '../invocation/invocation-record.ts'
import { noticeOf } from '../invocation/write-notice.ts'
import type { RequestContext } from './context.ts'
import { directReads } from './run-as-caller.ts'

/** Refuses a header that asks for what there is not. @throws {TRPCError} */
export function refuseUnknownTelling({ tellsWrites }: RequestContext): void {
  if (tellsWrites !== 'invalid') return
  throw toTrpcError(
    fail(
      'BAD_REQUEST',
      'Deputy-Tell-Writes must be true; leave it out to be told nothing of what is written.',
    ),
  )
}

/** Keeps for the answer what a call wrote that its caller may know of, where the request asks for that. */
export async function noticeWrites(
  { ctx, batchIndex }: { readonly ctx: RequestContext; readonly batchIndex: number },
  call: RecordedCall,
): Promise<void> {
  if (ctx.tellsWrites !== true) return
  const reads = directReads({ engine: ctx.engine, actor: call.invocation.actor, ...call })
  const notice = await noticeOf(ctx.engine, reads, call)
  if (notice !== '') ctx.notices.set(batchIndex, notice)
}
