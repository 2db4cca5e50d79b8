import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ErrorCode, HTTP_STATUS } from '../../server/core/errors.ts'
import type { JsonValue } from '../../server/core/result.ts'

/** A request, as a server of ours would take it apart. */
export interface Received {
  readonly method: string
  /** Of its members, in order. */
  readonly paths: readonly string[]
  /** The header `Idempotency-Key` as it came. */
  readonly keys: string | undefined
  readonly authorization: string | undefined
  readonly atMs: number
}

/** Bytes of our own, or one answer for each member. */
export type Reply =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body: string }
  | { readonly headers: Record<string, string>; readonly members: readonly Member[] }
  | readonly Member[]
  | 'hang-up'
  | 'hang-up-halfway'
  | 'silence'
type Member = { readonly status: number; readonly json: JsonValue }
type Details = Record<string, JsonValue>

export function success(data: JsonValue = { recordId: 'r' }): Member {
  return { status: 200, json: { result: { data: { json: { success: true, data } } } } }
}

export function returned(code: ErrorCode, details?: Details): Member {
  const failure = { success: false, error: `Returned ${code}`, code, ...(details ? { details } : {}) }
  return { status: 200, json: { result: { data: { json: failure } } } }
}

export function thrown(code: ErrorCode, details?: Details): Member {
  return error(code, HTTP_STATUS[code], details ?? null)
}

/** Of tRPC's own, which no server of ours gives; a gateway that speaks tRPC might. */
export const timedOut = error('TIMEOUT', 408, null)

function error(code: string, httpStatus: number, details: Details | null): Member {
  const data = { code, httpStatus, requestId: 'request', issues: null, details }
  return { status: httpStatus, json: { error: { json: { code: -32000, message: `Thrown ${code}`, data } } } }
}

/** A server that speaks tRPC's batches on a real socket, and answers its nth request as the script says. */
export async function startScriptedServer(script: (request: Received, nth: number) => Reply) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const taken = takeApart(request)
      received.push(taken)
      answer(response, script(taken, received.length - 1))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function takeApart(request: IncomingMessage): Received {
  const { pathname } = new URL(request.url ?? '', 'http://127.0.0.1')
  return {
    method: request.method ?? '',
    paths: decodeURIComponent(pathname.slice('/trpc/'.length)).split(','),
    keys: request.headersDistinct['idempotency-key']?.join('; '),
    authorization: request.headers.authorization,
    atMs: performance.now(),
  }
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'silence') return
  if (reply === 'hang-up') {
    response.destroy()
  } else if (reply === 'hang-up-halfway') {
    response.writeHead(200, { 'content-length': 100 }).write('[{', () => response.destroy())
  } else if ('body' in reply) {
    response.writeHead(reply.status ?? 200, reply.headers).end(reply.body)
  } else {
    const { members, headers } = 'members' in reply ? reply : { members: reply, headers: {} }
    const statuses = new Set(members.map(({ status }) => status))
    const [status = 200] = statuses.size > 1 ? [207] : statuses
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(members.map(({ json }) => json)))
  }
}
