import type { Logger } from 'pino'
import { type ActionResult, fail, type JsonValue, ok } from '../core/result.ts'
import type { HttpClient } from './http-client.ts'
import { reportFailure } from './upstream-error.ts'

export interface PlatformRequest {
  /** Base of the platform; what is asked stays below it. From the app's environment, never a caller's. */
  readonly baseUrl: string
  /** Below the base, from its slash on: `/me`. Constant text, never a caller's. */
  readonly path: `/${string}`
  /** @default 10000 */
  readonly timeoutMs?: number | undefined
}

const MAX_ANSWER_BYTES = 1024 * 1024

/** Reads JSON from the platform as the caller: it must see the user, not the app. */
export async function getFromPlatform(
  http: HttpClient,
  callerJwt: string,
  { baseUrl, path, timeoutMs }: PlatformRequest,
  log: Logger,
): Promise<ActionResult<JsonValue>> {
  const url = new URL(baseUrl)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`
  const response = await http.request({
    method: 'GET',
    url,
    headers: { authorization: `Bearer ${callerJwt}` },
    secrets: [callerJwt],
    timeoutMs: timeoutMs ?? 10_000,
    maxBytes: MAX_ANSWER_BYTES,
  })
  if (response.kind === 'failed') {
    reportFailure(log, 'platform', url, response)
    return fail('BAD_GATEWAY', `The platform gave no usable answer (${response.reason}).`)
  }
  if (response.status !== 200)
    return fail('BAD_GATEWAY', `The platform answered with status ${response.status}.`)
  return ok(response.body)
}
