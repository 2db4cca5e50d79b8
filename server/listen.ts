import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Http2Bindings, type HttpBindings, serve } from '@hono/node-server'

export interface ListenOptions {
  readonly fetch: (request: Request, env: HttpBindings | Http2Bindings) => Response | Promise<Response>
  readonly host: string
  readonly port: number
}

export interface Listening {
  readonly url: string
  /** Stops accepting, lets calls in flight finish within the bound, closes what is left. */
  close(graceMs: number): Promise<void>
}

const MAX_HEADER_BYTES = 16 * 1024
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const CHECK_INTERVAL_MS = 2_000

/** Serves HTTP with bounds on the size and the time of what comes in. @throws {Error} when the port is taken. */
export function listen(options: ListenOptions): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch: options.fetch,
        hostname: options.host,
        port: options.port,
        serverOptions: {
          maxHeaderSize: MAX_HEADER_BYTES,
          headersTimeout: HEADERS_TIMEOUT_MS,
          requestTimeout: REQUEST_TIMEOUT_MS,
          keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
          connectionsCheckingInterval: CHECK_INTERVAL_MS,
        },
      },
      (address: AddressInfo) => {
        server.off('error', reject)
        const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
        resolve({
          url: `http://${host}:${address.port}`,
          close: (graceMs) => close(server as Server, graceMs),
        })
      },
    )
    server.once('error', reject)
  })
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
