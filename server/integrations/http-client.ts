import { EventEmitter } from 'node:events'
import { Agent } from 'undici'
import type { JsonValue } from '../core/result.ts'
import { exchange, NOT_SENT } from './exchange.ts'
import { guardedConnector, type LookUp, lookUpInSystem } from './guarded-connector.ts'

export interface OutboundRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  /** Beside those for JSON, and never those that frame a message. Their values may hold no control characters. */
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
      readonly reason: /** The request itself cannot be sent: a bad header, or the client is closed. */
      'not sent' | 'refused address' | 'unreachable' | 'timeout' | 'redirect' | 'too large' | 'not JSON'
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
  /** Finds all addresses of a host name. @default the system's resolver */
  readonly lookup?: LookUp
  /** What a date in `Retry-After` is compared with. @default the system's clock */
  readonly clock?: () => Date
}

/** An idle connection is dropped long before a usual server drops it: a call on a dead one has no known outcome. */
const IDLE_TIMEOUT_MS = 1_000

/** The one way out: direct, proxied and platform calls, and those of the outbox. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { allowPrivate = [], lookup = lookUpInSystem, clock = () => new Date() } = options
  const agent = new Agent({
    connect: guardedConnector({ allowPrivate, lookup }),
    pipelining: 1,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    keepAliveMaxTimeout: IDLE_TIMEOUT_MS,
    // One deadline counts for the whole exchange.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const running = new Set<Promise<OutboundResponse>>()
  let isClosed = false
  return {
    async request(request) {
      if (isClosed) return NOT_SENT
      const response = withinDeadline(request, agent, clock)
      running.add(response)
      return response.finally(() => running.delete(response))
    },
    async close() {
      isClosed = true
      await Promise.all(running)
      await agent.destroy()
    },
  }
}

/** The deadline does not wait for what it ends: a look-up, for one, cannot be called off. */
async function withinDeadline(
  request: OutboundRequest,
  agent: Agent,
  clock: () => Date,
): Promise<OutboundResponse> {
  const over = new EventEmitter()
  let wasSent = false
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<OutboundResponse>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'failed', reason: 'timeout', wasSent }), request.timeoutMs)
  })
  const onSending = () => {
    wasSent = true
  }
  try {
    return await Promise.race([exchange(request, { agent, clock, over, onSending }), deadline])
  } finally {
    clearTimeout(timer)
    over.emit('abort')
  }
}
