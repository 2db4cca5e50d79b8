import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'

type Respond = (response: ServerResponse) => void

export interface KeyServer extends AsyncDisposable {
  readonly url: URL
  /** How many requests arrived so far. */
  readonly requests: number
  respond: Respond
}

/** Answers with a key set. */
export function keySet(...keys: readonly JWK[]): Respond {
  return (response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys }))
  }
}

/** Answers with a status and a body. */
export function plain(status: number, body: string, headers: Record<string, string> = {}): Respond {
  return (response) => {
    response.writeHead(status, headers)
    response.end(body)
  }
}

/** Starts a real key server on a free port. */
export async function startKeyServer(respond: Respond): Promise<KeyServer> {
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    keyServer.respond(response)
  })
  await new Promise<void>((fulfil) => server.listen(0, '127.0.0.1', fulfil))
  const { port } = server.address() as AddressInfo
  const keyServer = {
    url: new URL(`http://127.0.0.1:${port}/keys`),
    get requests() {
      return requests
    },
    respond,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((fulfil) => server.close(fulfil))
    },
  }
  return keyServer
}
