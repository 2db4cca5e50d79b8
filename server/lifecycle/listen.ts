import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { REQUEST_TIMEOUT_MS } from '../http/body-limits.ts'
import type { Http } from '../http/handler.ts'
import { createNodeListener } from '../http/node-exchange.ts'
import { SlowRequests, UnreadAnswers } from '../http/slow-clients.ts'

export interface ListenOptions {
  readonly http: Http
  readonly host: string
  readonly port: number
  /** For a request's headers to arrive. @default 10000 */
  readonly headersTimeoutMs?: number
  /** For all of a request to arrive. @default 30000 */
  readonly requestTimeoutMs?: number
  /** For an answer to be taken, beside what its size takes; and for a stream to go on. @default 30000 */
  readonly answerTimeoutMs?: number
  /** Connections at once; more are closed. @default 5000 */
  readonly maxConnections?: number
  /** How fast an answer is taken at least, in bytes a second. @default 65536 */
  readonly minReadRate?: number
  /** How often these are looked after. @default 2000 */
  readonly checkIntervalMs?: number
}

export interface Listening {
  readonly url: string
  /**
   * Lets the calls in flight finish, then stops accepting and closes what is left, all within the bound. Until
   * they have finished, a probe that asks whether the server is ready still gets its answer.
   */
  close(graceMs: number): Promise<void>
}

/** Why the server cannot be reached at its host and port, for the person who starts it. */
export class ListenError extends Error {
  override readonly name = 'ListenError'

  /** @param names the variables that say where it should listen */
  constructor(cause: Error, names = 'HOST and PORT') {
    super(`${names}: ${cause.message}. Set them to an address of this machine and a port that is free.`, {
      cause,
    })
  }
}

const MAX_HEADER_BYTES = 16 * 1024
const KEEP_ALIVE_TIMEOUT_MS = 65_000
/** Far more than any client pipelines; what arrived on one socket is dispatched before others get a turn. */
const MAX_IN_FLIGHT_PER_SOCKET = 32
/** Further connections are closed at once. */
const MAX_CONNECTIONS = 5_000
const MIN_READ_RATE = 64 * 1024
const CHECK_INTERVAL_MS = 2_000

/** Serves HTTP with bounds on the size and the time of what comes in. @throws {ListenError} when the port is taken. */
export function listen(options: ListenOptions): Promise<Listening> {
  const { held, bodyLimits } = options.http
  const inFlight = new Set<Promise<void>>()
  const answer = createNodeListener(options.http, options.host)
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  const longestTimeoutMs = bodyLimits.longestTimeoutMs
  const settings = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: Math.max(requestTimeoutMs, longestTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: options.checkIntervalMs ?? CHECK_INTERVAL_MS,
  }
  const unread = new UnreadAnswers({
    timeoutMs: options.answerTimeoutMs ?? 30_000,
    bytesPerSecond: options.minReadRate ?? MIN_READ_RATE,
    sizeOf: ({ req }) => held.heldBy(req),
    fullness: () => held.fullness,
  })
  const slow = new SlowRequests()
  const server = boundedServer(settings, {
    begin(request, response) {
      unread.add(response)
      // Otherwise Node's own bound is that of all. A request without a body has arrived.
      if (longestTimeoutMs > 0 && hasBody(request)) {
        const timeoutMs = bodyLimits.of(request.url)?.requestTimeoutMs ?? requestTimeoutMs
        slow.add(request, response, performance.now() + timeoutMs)
      }
      const answered = answer(request, response).finally(() => inFlight.delete(answered))
      inFlight.add(answered)
    },
    end(request, response) {
      unread.delete(response)
      slow.delete(request)
      held.release(request)
    },
  })
  server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS
  const timer = setInterval(() => {
    unread.check(performance.now())
    slow.check(performance.now())
  }, settings.connectionsCheckingInterval)
  timer.unref()
  server.once('close', () => clearInterval(timer))
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => reject(new ListenError(error))
    server.once('error', refuse)
    server.listen(options.port, options.host, () => {
      server.off('error', refuse)
      const address = server.address() as AddressInfo // It listens on a port, and on no pipe.
      const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
      resolve({
        url: `http://${host}:${address.port}`,
        close: (graceMs) => close(server, inFlight, graceMs),
      })
    })
  })
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

interface RequestHooks {
  begin(request: IncomingMessage, response: ServerResponse): void
  /** Called once for each that began, when its answer was taken or its connection has gone. */
  end(request: IncomingMessage, response: ServerResponse): void
}

/** A server that drops a connection with too many requests in flight. */
function boundedServer(options: ServerOptions, { begin, end }: RequestHooks): Server {
  const inFlight = new WeakMap<Socket, Map<IncomingMessage, ServerResponse>>()
  const requestsOf = (socket: Socket) => {
    const known = inFlight.get(socket)
    if (known) return known
    const requests = new Map<IncomingMessage, ServerResponse>()
    inFlight.set(socket, requests)
    // An answer that waited behind another one is not told that its connection has gone.
    socket.once('close', () => {
      for (const [request, response] of requests) end(request, response)
      requests.clear()
    })
    return requests
  }
  return createServer(options, (request, response) => {
    const { socket } = request
    if (socket.destroyed) return
    const requests = requestsOf(socket)
    if (requests.size >= MAX_IN_FLIGHT_PER_SOCKET) {
      socket.destroy()
      return
    }
    requests.set(request, response)
    response.once('close', () => {
      if (requests.delete(request)) end(request, response)
    })
    begin(request, response)
  })
}

async function close(server: Server, inFlight: Iterable<Promise<unknown>>, graceMs: number): Promise<void> {
  let endGrace = () => {}
  const graceOver = new Promise<void>((resolve) => {
    endGrace = resolve
  })
  const timer = setTimeout(() => {
    server.closeAllConnections()
    endGrace()
  }, graceMs)
  await Promise.race([Promise.allSettled([...inFlight]), graceOver])
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  clearTimeout(timer)
}
