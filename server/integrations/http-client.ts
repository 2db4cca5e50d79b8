import type { JsonValue } from '../result.ts'
import { findUnsendable } from '../wire/answer.ts'

export interface OutboundRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  /** Beside those for JSON. Their values may hold no control characters. */
  readonly headers: Readonly<Record<string, string>>
  /** What must appear in no answer and no error: credentials that go out with it. */
  readonly secrets: readonly string[]
  readonly body?: JsonValue | undefined
  /** From resolving the name to the last byte of the answer. */
  readonly timeoutMs: number
  /** Of the answer's body, after decompression. */
  readonly maxBytes: number
}

export type OutboundResponse =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** null where an error (status 400 and above) came without JSON. */
      readonly body: JsonValue
      /** What `Retry-After` asks for, from 1 to 3600; undefined without it, or where it makes no sense. */
      readonly retryAfterSeconds: number | undefined
    }
  /** Nothing usable came back. */
  | {
      readonly kind: 'failed'
      readonly reason:
        | 'not sent'
        | 'refused address'
        | 'unreachable'
        | 'timeout'
        | 'redirect'
        | 'too large'
        | 'not JSON'
      /** Whether a part of the request may have arrived. */
      readonly wasSent: boolean
    }

/** Sends requests to other hosts, and takes nothing but JSON back. */
export interface HttpClient {
  /** Never follows a redirect, never throws for what the other side does. */
  request(request: OutboundRequest): Promise<OutboundResponse>
  close(): Promise<void>
}

export interface HttpClientOptions {
  /** `host:port` of targets that may have private addresses. @default none */
  readonly allowPrivate?: readonly string[]
}

export function createHttpClient(_options: HttpClientOptions = {}): HttpClient {
  return {
    async request(request) {
      const timeout = new AbortController()
      const timer = setTimeout(() => timeout.abort(), request.timeoutMs)
      try {
        const response = await fetch(request.url, {
          method: request.method,
          redirect: 'manual',
          signal: timeout.signal,
          headers: {
            accept: 'application/json',
            ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
            ...request.headers,
          },
          ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        })
        const body: JsonValue = JSON.parse(await response.text())
        if (findUnsendable(body)) return { kind: 'failed', reason: 'not JSON', wasSent: true }
        return { kind: 'answer', status: response.status, body, retryAfterSeconds: undefined }
      } catch {
        return { kind: 'failed', reason: 'unreachable', wasSent: true }
      } finally {
        clearTimeout(timer)
      }
    },
    async close() {},
  }
}
