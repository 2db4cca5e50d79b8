import { type ActionResult, type Failure, fail } from '../core/result.ts'
import { httpStatusOf } from '../trpc/error-shape.ts'
import { toWireJson } from '../wire/to-json.ts'
import type { HttpAnswer } from './exchange.ts'

/** What an address is answered with that nothing is at. */
export const NOTHING_HERE = fail('NOT_FOUND', 'There is nothing at this address.')

/** An ActionResult as a JSON answer with the status of its code. */
export function answerOf(
  result: ActionResult<unknown>,
  requestId: string,
): HttpAnswer & { readonly body: string } {
  const body = toWireJson(withRequestId(result, requestId))
  const headers: Record<string, string> = jsonHeaders(requestId)
  if (result.success) return { status: 200, headers, body }
  if (result.code === 'UNAUTHORIZED') headers['www-authenticate'] = 'Bearer'
  const retryAfter = retryAfterOf([result])
  if (retryAfter !== undefined) headers['retry-after'] = retryAfter
  return { status: httpStatusOf(result), headers, body }
}

/** An internal error is found in the log by its request: a person reads the body, not the headers. */
function withRequestId(result: ActionResult<unknown>, requestId: string): ActionResult<unknown> {
  if (result.success || result.code !== 'INTERNAL_SERVER_ERROR') return result
  return { ...result, details: { ...result.details, requestId } }
}

/** What every JSON answer of ours says of itself. */
export function jsonHeaders(requestId: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-request-id': requestId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  }
}

/**
 * What an answer says of what the calls of its request wrote, by their positions, with commas between them. Nothing where
 * nothing is told.
 */
export function noticeHeaders(notices: ReadonlyMap<number, string>): Record<string, string> {
  if (notices.size === 0) return {}
  const length = Math.max(...notices.keys()) + 1
  const told = Array.from({ length }, (_, position) => notices.get(position) ?? '')
  return { 'deputy-writes': told.join(',') }
}

/** What every answer says of itself, whatever it holds. */
export function headersOfAll(requestId: string): Record<string, string> {
  return { 'x-request-id': requestId, 'x-content-type-options': 'nosniff' }
}

/** As `answerOf`, for code that answers with a Response. */
export function respond(result: ActionResult<unknown>, requestId: string): Response {
  const { status, headers, body } = answerOf(result, requestId)
  return new Response(body, { status, headers })
}

/** The longest wait that failures ask for, in whole seconds (RFC 9110, 10.2.3); an action may have written anything. */
export function retryAfterOf(failures: readonly Failure[]): string | undefined {
  if (failures.length === 0) return undefined
  const waits = failures
    .map(({ details }) => details?.retryAfterSeconds)
    .filter((wait) => typeof wait === 'number')
    .map(Math.ceil)
    .filter((wait) => Number.isSafeInteger(wait) && wait >= 0)
  return waits.length > 0 ? String(Math.max(...waits)) : undefined
}
