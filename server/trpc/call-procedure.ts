import { getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server'
import type { ActionResult, Failure } from '../core/result.ts'
import { UnexpectedError } from '../invocation/unexpected-error.ts'
import type { Call } from './call.ts'
import type { Callable } from './callable.ts'
import type { RequestContext } from './context.ts'
import { toFailure } from './error-shape.ts'

/** What came of a call: the result of the procedure, or the failure that stands for what it threw. */
export type CallAnswer = { readonly data: ActionResult<unknown> } | { readonly failure: Failure }

/** Calls a procedure, for every transport, and never throws. What no one expected is in the log. */
export async function callProcedure(procedure: Pick<Callable, 'call'>, call: Call): Promise<CallAnswer> {
  try {
    return { data: await procedure.call(call) }
  } catch (error) {
    const refused = getTRPCErrorFromUnknown(error)
    logUnexpected(call.ctx, refused)
    return { failure: toFailure(refused) }
  }
}

/** What came of a call, where a failure is a result. */
export function resultOf(answer: CallAnswer): ActionResult<unknown> {
  return 'data' in answer ? answer.data : answer.failure
}

/** Logs an error that no one expected, unless it is there already. */
export function logUnexpected({ engine, requestId }: RequestContext, error: TRPCError): void {
  if (error.code !== 'INTERNAL_SERVER_ERROR' || error instanceof UnexpectedError) return
  engine.log.error({ err: error, requestId }, 'A call failed with an unexpected error')
}
