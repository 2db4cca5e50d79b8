import type { JsonValue } from '../result.ts'

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
      readonly reason: 'unreachable' | 'timeout' | 'redirect' | 'too large' | 'not JSON'
      readonly status?: number
    }

/** Sends a request and takes nothing but JSON back. Never follows a redirect, never throws for what the other side does. */
export async function requestJson(request: JsonRequest): Promise<JsonResponse> {
  const signal = AbortSignal.timeout(request.timeoutMs)
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
    return text === undefined ? { kind: 'failed', reason: 'too large' } : parse(text, status)
  } catch {
    return { kind: 'failed', reason: signal.aborted ? 'timeout' : 'unreachable' }
  }
}

function parse(text: string, status: number): JsonResponse {
  try {
    return { kind: 'answer', status, body: JSON.parse(text) }
  } catch {
    return { kind: 'failed', reason: 'not JSON', status }
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
