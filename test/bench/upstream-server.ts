// The provider, in a process of its own. `/quick` answers at once; `/slow` answers when `/release` was asked for.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const ANSWER = JSON.stringify({ quote: 'All that is measured was called first.' })
const waiting: ServerResponse[] = []
let calls = 0

function answer(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, (request, response) => {
  request.resume()
  request.once('end', () => {
    switch (request.url) {
      case '/quick':
        calls += 1
        return answer(response, ANSWER)
      case '/slow':
        waiting.push(response)
        return undefined
      case '/release':
        for (const held of waiting.splice(0)) answer(held, ANSWER)
        return answer(response, '{}')
      case '/state':
        return answer(response, JSON.stringify({ calls, waiting: waiting.length }))
      default:
        response.writeHead(404).end()
        return undefined
    }
  })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})
process.on('SIGTERM', () => process.exit())
process.on('disconnect', () => process.exit())
