import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { OutboundRequest } from '../../server/integrations/exchange.ts'
import { createHttpClient, type HttpClientOptions } from '../../server/integrations/http-client.ts'

/** A client that is closed at the end of its block. */
export function openClient(options: HttpClientOptions = {}) {
  const client = createHttpClient(options)
  return {
    ...client,
    /** Sends a GET without a body, unless told otherwise. */
    to: (url: string | URL, request: Partial<OutboundRequest> = {}) =>
      client.request({
        method: 'GET',
        url: new URL(url),
        headers: {},
        secrets: [],
        timeoutMs: 10_000,
        maxBytes: 1024 * 1024,
        ...request,
      }),
    [Symbol.asyncDispose]: () => client.close(),
  }
}

/** A real HTTP server on a free port. It notes what reaches it. */
export async function startHttp(answer: RequestListener, address = '127.0.0.1', port = 0) {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    return answer(request, response)
  })
  const listening = await listen(server, address, port)
  return {
    ...listening,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await listening.stop()
    },
  }
}

/** A real TCP server on a free port, for what no HTTP server would do. */
export async function startTcp(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    onConnection(socket)
  })
  const listening = await listen(server, '127.0.0.1', 0)
  return {
    ...listening,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await listening.stop()
    },
  }
}

async function listen(server: Server, address: string, wanted: number) {
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(wanted, address, resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    /** As an allowance names it. */
    target: `${address}:${port}`,
    url: `http://${address}:${port}`,
    connections: () => connections,
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}
