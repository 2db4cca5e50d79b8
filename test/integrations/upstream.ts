import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly idempotencyKey: string | undefined
  readonly body: unknown
}

export type Answer = (received: Received, response: ServerResponse) => unknown

/** Answers with a status and JSON. */
export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A real api-worker on a free port. Endpoints answer with a running number until told otherwise. */
export async function startUpstream() {
  const received: Received[] = []
  const answers = new Map<string, Answer>()
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    const entry: Received = {
      method: request.method ?? '',
      path,
      authorization: request.headers.authorization,
      headers: request.headers,
      idempotencyKey: headerOf(request, 'idempotency-key'),
      body: await readBody(request),
    }
    received.push(entry)
    const answer = answers.get(path)
    if (answer) await answer(entry, response)
    else json(response, 200, { success: true, data: { nth: to(path).length } })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const to = (path: string) => received.filter((entry) => entry.path === path)
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    /** What `integration/endpoint` was sent. */
    calls: (endpoint: string) => to(`/api/integrations/${endpoint}`),
    /** Decides what `integration/endpoint` answers. */
    on: (endpoint: string, answer: Answer) => answers.set(`/api/integrations/${endpoint}`, answer),
    onPath: (path: string, answer: Answer) => answers.set(path, answer),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Upstream = Awaited<ReturnType<typeof startUpstream>>

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? undefined : JSON.parse(text)
}
