// Trust rule: what is served here is for operators. It listens on loopback unless it is told otherwise, and there a page
// in a browser on the same machine, which has another name in its address, is refused.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import type { Logger } from 'pino'

/** What a path is answered with. */
export interface OperatorPage {
  readonly contentType: string
  write(): string | Promise<string>
}

export interface MetricsListenerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** By path, such as `/metrics`. */
  readonly pages: ReadonlyMap<string, OperatorPage>
  readonly log: Logger
}

export interface MetricsListener {
  readonly url: string
  close(): Promise<void>
}

/** The type of Prometheus's text format. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const MAX_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 10_000
const CHECK_INTERVAL_MS = 2_000

/** Serves pages to operators, beside the server of the app. @throws {Error} when the address cannot be had */
export function listenForOperators(options: MetricsListenerOptions): Promise<MetricsListener> {
  const { host, port, pages, log } = options
  const timeouts = {
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  }
  const server = createServer(timeouts, (request, response) => {
    // What is sent with it is not read.
    request.resume()
    answer(pages, request, response).catch((error: unknown) => {
      log.error({ err: error }, 'A page for operators could not be written')
      if (!response.headersSent) send(response, 500, 'The log of the server says what went wrong.\n')
    })
  })
  server.maxConnections = MAX_CONNECTIONS
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address() as AddressInfo // It listens on a port, and on no pipe.
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
      resolve({
        url: `http://${name}:${address.port}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed())
            server.closeAllConnections()
          }),
      })
    })
  })
}

async function answer(
  pages: ReadonlyMap<string, OperatorPage>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (isForeign(request))
    return send(response, 403, 'Ask by the address of the machine: the Host of this request is another.\n')
  const page = pages.get(pathOf(request.url))
  if (!page) return send(response, 404, `There is ${[...pages.keys()].join(' and ')}.\n`)
  const { method } = request
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return send(response, 405, 'This is read with GET.\n')
  }
  send(response, 200, await page.write(), page.contentType)
}

function pathOf(url = ''): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function isForeign({ socket, headers: { host = '' } }: IncomingMessage): boolean {
  const { localAddress = '' } = socket
  const isLoopback = localAddress === '::1' || /^(?:::ffff:)?127\./.test(localAddress)
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return isLoopback && name !== '' && name !== 'localhost' && isIP(name) === 0
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8') {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}
