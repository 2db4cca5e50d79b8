import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'

export interface Upstream {
  readonly url: string
  /** The subject of each token that a call came with: whom this upstream would bill. */
  readonly billed: string[]
  close(): Promise<void>
}

/** A stand-in for the api-worker: it answers chat completions and bills the token's subject. */
export async function startUpstream(): Promise<Upstream> {
  const billed: string[] = []
  const server = createServer((request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
    billed.push(decodeJwt(token).sub ?? 'nobody')
    request.resume()
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        success: true,
        data: { choices: [{ message: { content: 'A launch party for a few friends.' } }] },
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    billed,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
