import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Routes } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { get } from './send.ts'

const ORIGIN = 'https://a.example.com'
/** What tRPC, OpenTelemetry, Sentry, Datadog and AWS X-Ray add. */
const BROWSER_HEADERS =
  'authorization,baggage,content-type,idempotency-key,newrelic,sentry-trace,traceparent,tracestate,trpc-accept,x-datadog-trace-id,x-trpc-source'

const routes: Routes = () =>
  new Hono()
    .get('/page', (c) => c.text('a page', 200, { vary: 'Cookie', 'access-control-expose-headers': 'x-own' }))
    .get('/broken', () => {
      throw new Error('a secret')
    })

const newApp = () =>
  createTestApp({ routes, corsOrigins: ['https://*.example.com', 'capacitor://localhost'] })
let app: Awaited<ReturnType<typeof newApp>>
let url: string
let token: string
beforeAll(async () => {
  app = await newApp()
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

type Row = readonly [
  title: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  status: number,
  body?: string,
]
const JSON_BODY = { 'content-type': 'application/json' }
const EVENT = '{"title":"Launch","startsAt":"2030-01-01T18:00:00Z","capacity":20}'
const TRPC_EVENT =
  '{"json":{"title":"Launch","startsAt":"2030-01-01T18:00:00.000Z","capacity":20},"meta":{"values":{"startsAt":["Date"]}}}'
/** Signed in where the row has none of its own. */
const ROWS: readonly Row[] = [
  ['health', 'GET', '/healthz', {}, 200],
  ['a HEAD', 'HEAD', '/healthz', {}, 200],
  ['an action', 'POST', '/api/actions/createEvent', JSON_BODY, 200, EVENT],
  ['an action over tRPC', 'POST', '/trpc/actions.createEvent', JSON_BODY, 200, TRPC_EVENT],
  ['a batch', 'POST', '/trpc/actions.createEvent?batch=1', JSON_BODY, 200, `{"0":${TRPC_EVENT}}`],
  ['a list of records', 'GET', '/api/records/events', {}, 200],
  ['a refused input', 'POST', '/api/actions/createEvent', JSON_BODY, 400, '{}'],
  ['a body that is not JSON', 'POST', '/api/actions/createEvent', JSON_BODY, 400, '{'],
  ['a bad token', 'POST', '/api/actions/createEvent', { ...JSON_BODY, authorization: 'Bearer x' }, 401, '{}'],
  [
    'a bad token over tRPC',
    'POST',
    '/trpc/actions.createEvent',
    { ...JSON_BODY, authorization: 'Bearer x' },
    401,
    TRPC_EVENT,
  ],
  ['an unknown action', 'POST', '/api/actions/none', JSON_BODY, 404, '{}'],
  ['an unknown address', 'GET', '/nowhere', {}, 404],
  ['another method', 'GET', '/api/actions/createEvent', {}, 405],
  ['a body too large', 'POST', '/api/actions/createEvent', JSON_BODY, 413, ' '.repeat(1024 * 1024 + 1)],
  ['another media type', 'POST', '/api/actions/createEvent', { 'content-type': 'text/plain' }, 415, '{}'],
  ['a route of the app’s', 'GET', '/page', {}, 200],
  ['a route that throws', 'GET', '/broken', {}, 500],
]

async function send([, method, path, headers, , body]: Row, origin: string | undefined) {
  const own = origin === undefined ? {} : { origin }
  const init = { method, headers: { authorization: `Bearer ${token}`, ...own, ...headers } }
  const answer = await fetch(url + path, body === undefined ? init : { ...init, body })
  await answer.arrayBuffer()
  return answer
}

function varies(answer: { readonly headers: Headers }): string[] {
  return (answer.headers.get('vary') ?? '').toLowerCase().split(', ')
}

describe('an answer to a page', () => {
  // Twice: the token of the second call is known.
  it.each([...ROWS, ...ROWS].map((row) => ({ row, title: row[0] })))('$title', async ({ row }) => {
    const answer = await send(row, ORIGIN)
    expect(answer.status).toBe(row[4])
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    for (const name of ['x-request-id', 'idempotency-replayed', 'retry-after', 'www-authenticate']) {
      expect(answer.headers.get('access-control-expose-headers')).toContain(name)
    }
    expect(varies(answer).filter((name) => name === 'origin')).toHaveLength(1)

    for (const origin of ['https://example.com', 'null', undefined]) {
      const other = await send(row, origin)
      expect(other.status).toBe(row[4])
      expect(other.headers.get('access-control-allow-origin')).toBeNull()
      expect(varies(other)).toEqual(varies(answer))
    }
  })

  it('keeps what a route of the app’s says of itself', async () => {
    const answer = await send(['', 'GET', '/page', {}, 200], ORIGIN)
    expect(varies(answer)).toEqual(['cookie', 'origin'])
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/x-own/)
  })

  it('of a server that stops is read as well', async () => {
    await using stopping = await newApp()
    stopping.stop()
    const answer = await get(`${await stopping.listen()}/readyz`, { headers: { origin: ORIGIN } })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN)
  })
})

describe('a question before a call', () => {
  const ask = (path: string, origin: string, headers = BROWSER_HEADERS, method = 'POST') =>
    get(
      url + path,
      {
        headers: {
          origin,
          'access-control-request-method': method,
          'access-control-request-headers': headers,
        },
      },
      'OPTIONS',
    )

  it.each(ROWS.map(([, , path]) => path))(
    'is answered for every header that browsers send: %s',
    async (path) => {
      for (const origin of [ORIGIN, 'capacitor://localhost']) {
        const answer = await ask(path, origin)
        expect(answer.status).toBe(204)
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
        const allowed = answer.headers.get('access-control-allow-headers')?.split(',')
        expect(allowed).toEqual(expect.arrayContaining(BROWSER_HEADERS.split(',')))
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
          expect(answer.headers.get('access-control-allow-methods')).toContain(method)
        expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
        expect(varies(answer)).toEqual(['origin', 'access-control-request-headers'])
      }
    },
  )

  it('says nothing to a page that is not let in, and echoes nothing that is no name', async () => {
    const refused = await ask('/healthz', 'https://evil.example')
    expect([...refused.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    const odd = await ask('/healthz', ORIGIN, 'a b, <c>')
    expect(odd.headers.get('access-control-allow-headers')).not.toMatch(/[<>]|a b/)
  })
})
