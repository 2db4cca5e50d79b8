import { EventEmitter } from 'node:events'
import { Agent } from 'undici'
import { exchange, NOT_SENT, type OutboundRequest, type OutboundResponse } from './exchange.ts'
import { type LookUp, lookUpInSystem, publicConnector } from './public-connector.ts'

/** Sends requests to other hosts, and reads JSON answers. */
export interface HttpClient {
  /** Sends a request. Never follows a redirect, and never throws for what the provider does. */
  request(request: OutboundRequest): Promise<OutboundResponse>
  close(): Promise<void>
}

export interface HttpClientOptions {
  /** `host:port` of targets that may have private addresses. @default none */
  readonly allowPrivate?: readonly string[]
  /** Finds all addresses of a host name. @default the system's resolver */
  readonly lookup?: LookUp
  /** The clock for dates in `Retry-After`. @default the system's clock */
  readonly clock?: () => Date
}

/** An idle connection is dropped long before a usual server drops it: a call on a dead one has no known outcome. */
const IDLE_TIMEOUT_MS = 1_000

/** Creates the client of all outbound requests: direct calls, calls by proxy, platform calls, and messages. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { allowPrivate = [], lookup = lookUpInSystem, clock = () => new Date() } = options
  const agent = new Agent({
    connect: publicConnector({ allowPrivate, lookup }),
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

/** Ends a request at its deadline, without waiting for a look-up, which cannot be cancelled. */
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
