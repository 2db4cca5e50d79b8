import type { JsonValue } from '../result.ts'
import { findUnsendable } from '../wire/answer.ts'

export interface JsonRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  /** Sent as `Authorization: Bearer`; it appears in no answer and no error. */
  readonly bearer: string
  readonly body?: JsonValue
  /** From sending to the last byte of the answer. */
  readonly timeoutMs: number
  /** Of the answer's body, after decompression. */
  readonly maxBytes: number
}

export type JsonResponse =
  | { readonly kind: 'answer'; readonly status: number; readonly body: JsonValue }
  /** Nothing usable came back; `reason` names no secret. */
  | {
      readonly kind: 'failed'
      readonly reason: 'not sent' | 'unreachable' | 'timeout' | 'redirect' | 'too large' | 'not JSON'
      readonly status?: number
    }

/** Sends a request and takes nothing but JSON back. Never follows a redirect, never throws for what the other side does. */
export async function requestJson(request: JsonRequest): Promise<JsonResponse> {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), request.timeoutMs)
  const { signal } = timeout
  try {
    const response = await fetch(request.url, {
      method: request.method,
      redirect: 'manual',
      signal,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${request.bearer}`,
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    })
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel()
      return { kind: 'failed', reason: 'redirect' }
    }
    const { status } = response
    if (!/^application\/([a-z.+-]+\+)?json\b/i.test(response.headers.get('content-type') ?? '')) {
      await response.body?.cancel()
      return { kind: 'failed', reason: 'not JSON', status }
    }
    const text = await readText(response, request.maxBytes)
    if (text === undefined) return { kind: 'failed', reason: 'too large' }
    return parse(text.replaceAll(request.bearer, '[redacted]'), status)
  } catch (error) {
    if (signal.aborted) return { kind: 'failed', reason: 'timeout' }
    return { kind: 'failed', reason: wasSent(error) ? 'unreachable' : 'not sent' }
  } finally {
    clearTimeout(timer)
  }
}

const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Whether a part of the request may have arrived. */
function wasSent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return !NOT_CONNECTED.has(code)
}

function parse(text: string, status: number): JsonResponse {
  const notJson = { kind: 'failed', reason: 'not JSON', status } as const
  try {
    const body: JsonValue = JSON.parse(text)
    // What an action could not pass on, such as a body nested without end, is no use to it either.
    return findUnsendable(body) ? notJson : { kind: 'answer', status, body }
  } catch {
    return notJson
  }
}

async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
