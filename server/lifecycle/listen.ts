import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server'
import { BodyLimits, REQUEST_TIMEOUT_MS } from '../http/body-limits.ts'
import { HeldBytes } from '../http/held-bytes.ts'
import { MAX_BODY_BYTES } from '../http/max-body-bytes.ts'
import { SlowRequests } from '../http/slow-requests.ts'
import { UnreadAnswers } from '../http/unread-answers.ts'

export interface ListenOptions {
  readonly fetch: (request: Request, env: HttpBindings | Http2Bindings) => Response | Promise<Response>
  /** Answers a request in place of `fetch`, or leaves it untouched. @default leaves all */
  readonly fastPath?: (request: IncomingMessage, response: ServerResponse) => Promise<void> | undefined
  readonly host: string
  readonly port: number
  /** For a request's headers to arrive. @default 10000 */
  readonly headersTimeoutMs?: number
  /** For all of a request to arrive. @default 30000 */
  readonly requestTimeoutMs?: number
  /** For an answer to be taken, beside what its size takes; and for a stream to go on. @default 30000 */
  readonly answerTimeoutMs?: number
  /** How fast an answer is taken at least, in bytes a second. @default 65536 */
  readonly minReadRate?: number
  /** How often these are looked after. @default 2000 */
  readonly checkIntervalMs?: number
  /** What all requests may hold together. @default a bound of its own */
  readonly held?: HeldBytes
  /** Which addresses may be sent more, or more slowly. @default none */
  readonly bodyLimits?: BodyLimits
}

export interface Listening {
  readonly url: string
  /**
   * Lets the calls in flight finish, then stops accepting and closes what is left, all within the bound. Until
   * they have finished, whoever asks whether the server is ready still gets its answer.
   */
  close(graceMs: number): Promise<void>
}

/** Why the server cannot be reached at its host and port, for the person who starts it. */
export class ListenError extends Error {
  override readonly name = 'ListenError'

  constructor(cause: Error) {
    super(
      `HOST and PORT: ${cause.message}. Set them to an address of this machine and a port that is free.`,
      { cause },
    )
  }
}

const MAX_HEADER_BYTES = 16 * 1024
const KEEP_ALIVE_TIMEOUT_MS = 65_000
/** Far more than any client pipelines; what arrived on one socket is dispatched before others get a turn. */
const MAX_IN_FLIGHT_PER_SOCKET = 32
/** Further connections are closed at once. */
const MAX_CONNECTIONS = 5_000
/** Counted three times: a MiB. */
const STREAMED_BODY_BYTES = 341 * 1024
const MIN_READ_RATE = 64 * 1024
const CHECK_INTERVAL_MS = 2_000

/** Serves HTTP with bounds on the size and the time of what comes in. @throws {ListenError} when the port is taken. */
export function listen(options: ListenOptions): Promise<Listening> {
  const inFlight = new Set<Promise<unknown>>()
  const counted = <T>(work: T | Promise<T>): Promise<T> => {
    const answer = Promise.resolve(work).finally(() => inFlight.delete(answer))
    inFlight.add(answer)
    return answer
  }
  const listener = getRequestListener((request, env) => counted(options.fetch(request, env)), {
    hostname: options.host,
  })
  const bodyLimits = options.bodyLimits ?? new BodyLimits()
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  const longestTimeoutMs = bodyLimits.longestTimeoutMs
  const settings = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: Math.max(requestTimeoutMs, longestTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: options.checkIntervalMs ?? CHECK_INTERVAL_MS,
  }
  const held = options.held ?? new HeldBytes()
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
      const limit = bodyLimits.of(request.url)
      // Otherwise Node's own bound is that of all. A request without a body has arrived.
      if (longestTimeoutMs > 0 && hasBody(request))
        slow.add(request, response, performance.now() + (limit?.requestTimeoutMs ?? requestTimeoutMs))
      const answer = held.admit(request, bodyBytesOf(request, limit?.maxBodyBytes))
        ? options.fastPath?.(request, response)
        : undefined
      if (answer) void counted(answer)
      else void listener(request, response)
    },
    end(request, response) {
      unread.delete(response)
      slow.delete(request)
      held.release(request)
    },
  })
  server.maxConnections = MAX_CONNECTIONS
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

/**
 * What is held of a request's body at most: one that says that it is larger than its limit is refused unread, and one
 * that is larger than those that are read as a whole goes through as it arrives.
 */
function bodyBytesOf({ headers }: IncomingMessage, limit: number | undefined): number {
  const isChunked = headers['transfer-encoding'] !== undefined
  const maxBytes = limit ?? MAX_BODY_BYTES
  const bytes = isChunked ? maxBytes : Number(headers['content-length'] ?? 0)
  if (bytes > maxBytes) return 0
  return bytes > MAX_BODY_BYTES ? STREAMED_BODY_BYTES : bytes
}

interface Exchanges {
  begin(request: IncomingMessage, response: ServerResponse): void
  /** Called once for each that began, when its answer was taken or its connection has gone. */
  end(request: IncomingMessage, response: ServerResponse): void
}

/** A server that drops a connection with too many requests in flight. */
function boundedServer(options: ServerOptions, { begin, end }: Exchanges): Server {
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
