import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server'

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
  /** How often the two are looked after. @default 2000 */
  readonly checkIntervalMs?: number
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
  const settings = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: options.checkIntervalMs ?? 2_000,
  }
  const server = boundedServer(settings, (request, response) => {
    const answer = options.fastPath?.(request, response)
    if (answer) void counted(answer)
    else void listener(request, response)
  })
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

/** A server that drops a connection with too many requests in flight. */
function boundedServer(options: ServerOptions, listener: RequestListener): Server {
  const inFlight = new WeakMap<Socket, number>()
  return createServer(options, (request, response) => {
    const { socket } = request
    if (socket.destroyed) return
    const count = (inFlight.get(socket) ?? 0) + 1
    if (count > MAX_IN_FLIGHT_PER_SOCKET) {
      socket.destroy()
      return
    }
    inFlight.set(socket, count)
    response.once('close', () => inFlight.set(socket, (inFlight.get(socket) ?? 1) - 1))
    listener(request, response)
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
