import { httpStatusOf } from '../error-shape.ts'
import type { ActionResult } from '../result.ts'
import { toWireJson } from '../wire/to-json.ts'

/** An ActionResult as a JSON answer with the status of its code. */
export function respond(result: ActionResult<unknown>, requestId: string): Response {
  const headers = new Headers({
    'content-type': 'application/json',
    'x-request-id': requestId,
    'cache-control': 'no-store',
  })
  if (result.success) return new Response(toWireJson(result), { status: 200, headers })
  if (result.code === 'UNAUTHORIZED') headers.set('www-authenticate', 'Bearer')
  const retryAfter = result.details?.retryAfterSeconds
  if (typeof retryAfter === 'number') headers.set('retry-after', String(retryAfter))
  return new Response(toWireJson(result), { status: httpStatusOf(result), headers })
}
