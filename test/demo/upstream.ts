import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Upstream {
  readonly url: string
  /** The key that each call of a path came with. */
  called(path: string): readonly string[]
  /** Waits until a path was called so often. */
  calledTimes(path: string, times: number): Promise<void>
  close(): Promise<void>
}

const ANSWERS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  [
    '/v1/chat/completions',
    {
      choices: [{ message: { content: 'A launch party for a few friends.' } }],
      usage: { prompt_tokens: 41, completion_tokens: 9 },
    },
  ],
  ['/translate', { translatedText: 'Markteinführung' }],
  ['/emails', { id: 'mail-1' }],
])

/** A stand-in for the providers: a language model, a translator and one that sends mail. */
export async function startUpstream(): Promise<Upstream> {
  const calls: { readonly path: string; readonly key: string }[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    calls.push({ path, key: request.headers.authorization?.replace('Bearer ', '') ?? '' })
    request.resume()
    const answer = ANSWERS.get(path)
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { error: 'There is nothing here.' }))
    server.emit('called')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const called = (path: string) => calls.filter((call) => call.path === path).map(({ key }) => key)
  return {
    url: `http://127.0.0.1:${port}`,
    called,
    async calledTimes(path, times) {
      while (called(path).length < times) await once(server, 'called')
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
