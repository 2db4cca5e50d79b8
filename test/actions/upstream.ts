import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface UpstreamRequest {
  readonly method: string
  readonly path: string
  /** The token after `Bearer `. */
  readonly token: string | undefined
  readonly idempotencyKey: string | undefined
  readonly body: unknown
}

export interface UpstreamAnswer {
  /** @default 200 */
  readonly status?: number
  /** @default 'application/json' */
  readonly contentType?: string
  /** Sent as JSON unless it is text. */
  readonly body: unknown
}

export interface Upstream extends AsyncDisposable {
  readonly url: string
  /** Everything it was asked, in order. */
  readonly requests: readonly UpstreamRequest[]
  /** What it answers from now on. */
  answer: (request: UpstreamRequest) => UpstreamAnswer
}

/** A third party on a real socket of this machine. */
export async function startUpstream(answer: Upstream['answer']): Promise<Upstream> {
  const requests: UpstreamRequest[] = []
  const server = createServer(async (incoming, outgoing) => {
    const request = await read(incoming)
    requests.push(request)
    const { status = 200, contentType = 'application/json', body } = upstream.answer(request)
    outgoing.writeHead(status, { 'content-type': contentType })
    outgoing.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // A TCP server's address is one.
  const upstream: Upstream = {
    url: `http://127.0.0.1:${port}`,
    requests,
    answer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return upstream
}

async function read(incoming: IncomingMessage): Promise<UpstreamRequest> {
  let text = ''
  for await (const chunk of incoming) text += String(chunk)
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    idempotencyKey: incoming.headers['idempotency-key']?.toString(),
    token: incoming.headers.authorization?.replace(/^Bearer /, ''),
    body: text === '' ? undefined : JSON.parse(text),
  }
}
