import { EventEmitter } from 'node:events'
import { Agent } from 'undici'
import { exchange, NOT_SENT, type OutboundRequest, type OutboundResponse } from './exchange.ts'
import { guardedConnector, type LookUp, lookUpInSystem } from './guarded-connector.ts'

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
