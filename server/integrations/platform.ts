import { type ActionResult, fail, type JsonValue, ok } from '../result.ts'
import { requestJson } from './http-json.ts'

export interface PlatformRequest {
  /** Base of the platform; what is asked stays below it. */
  readonly baseUrl: string
  /** Below the base, from its slash on: `/me`. Constant text, never a caller's. */
  readonly path: `/${string}`
  /** The caller's own token: the platform must see the user, not the app. */
  readonly callerJwt: string
  /** @default 10000 */
  readonly timeoutMs?: number
}

const MAX_ANSWER_BYTES = 1024 * 1024

/** Reads JSON from the platform as the caller. The host is fixed by the app's environment. */
export async function getFromPlatform(request: PlatformRequest): Promise<ActionResult<JsonValue>> {
  const base = new URL(request.baseUrl)
  const url = new URL(base)
  url.pathname = `${base.pathname.replace(/\/+$/, '')}${request.path}`
  const response = await requestJson({
    method: 'GET',
    url,
    bearer: request.callerJwt,
    timeoutMs: request.timeoutMs ?? 10_000,
    maxBytes: MAX_ANSWER_BYTES,
  })
  if (response.kind === 'failed')
    return fail('BAD_GATEWAY', `The platform gave no usable answer (${response.reason}).`)
  if (response.status !== 200)
    return fail('BAD_GATEWAY', `The platform answered with status ${response.status}.`)
  return ok(response.body)
}
