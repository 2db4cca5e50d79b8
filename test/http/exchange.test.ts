import { connect } from 'node:net'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Routes } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { rawRequest, sendRaw } from './send.ts'
import { type AnswerAsIs, type Sent, sendAsIs } from './send-as-is.ts'
import { variedActions } from './varied-actions.ts'

const routes: Routes = () =>
  new Hono()
    .get('/page', (c) => c.text('a page'))
    .post('/page', async (c) => c.text(await c.req.text()))
    .all('/:first/:second/echo', (c) => c.text('never'))

const PAGE = 'https://page.test'
const newApp = () => createTestApp({ actions: variedActions, routes, corsOrigins: [PAGE] })
let app: Awaited<ReturnType<typeof newApp>>
let url: string
let token: string
beforeAll(async () => {
  app = await newApp()
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

/** Asks without a server. */
async function ask({ method = 'POST', path, headers = [], body, token: bearer }: Sent): Promise<AnswerAsIs> {
  const given = new Headers([...headers.map(([name, value]): [string, string] => [name, value])])
  given.set('x-request-id', 'the-request')
  if (bearer !== undefined) given.set('authorization', `Bearer ${bearer}`)
  if (body !== undefined && !given.has('content-type')) given.set('content-type', 'application/json')
  const init = { method, headers: given, ...(body === undefined ? {} : { body: Buffer.from(body) }) }
  const response = await app.fetch(new Request(`${url}${path}`, init))
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

/** Without what only a connection has. */
function withoutConnection({ status, headers, body }: AnswerAsIs) {
  const { connection: _c, 'keep-alive': _k, 'content-length': _l, 'transfer-encoding': _t, ...rest } = headers
  return { status, headers: rest, body }
}

const REST = '/api/actions/'
const ROWS: readonly (readonly [string, Sent])[] = [
  ['a call', { path: `${REST}echo`, body: '{"note":"ä€😀"}' }],
  ['a date and a bigint', { path: `${REST}echo`, body: '{"at":"2030-01-01T00:00:00Z","amount":"12"}' }],
  ['a reading action', { path: `${REST}look`, body: '{}' }],
  ['a byte order mark', { path: `${REST}echo`, body: '\ufeff{}' }],
  ['a page', { path: `${REST}echo`, body: '{}', headers: [['origin', PAGE]] }],
  ['a page that may not call', { path: `${REST}echo`, body: '{}', headers: [['origin', 'https://x.test']] }],
  ['a failure', { path: `${REST}refuse`, body: '{}' }],
  ['a gate', { path: `${REST}ownersOnly`, body: '{}' }],
  ['an error', { path: `${REST}throws`, body: '{}' }],
  ['a schema that throws', { path: `${REST}broken`, body: '{"note":"a"}' }],
  ['an answer that cannot be sent over tRPC', { path: `${REST}cannotBeSent`, body: '{}' }],
  ['an unknown key', { path: `${REST}echo`, body: '{"other":1}' }],
  ['an asynchronous check', { path: `${REST}checked`, body: '{"note":"bad"}' }],
  ['no JSON', { path: `${REST}echo`, body: '{"note":' }],
  ['no UTF-8', { path: `${REST}echo`, body: Uint8Array.of(34, 0xff, 34) }],
  ['NUL', { path: `${REST}echo`, body: '{"note":"\\u0000"}' }],
  ['an integer too large', { path: `${REST}echo`, body: '{"list":[9007199254740993]}' }],
  ['__proto__', { path: `${REST}echo`, body: '{"__proto__":{}}' }],
  ['depth', { path: `${REST}echo`, body: `{"list":${'['.repeat(500)}${']'.repeat(500)}}` }],
  ['a key that is none', { path: `${REST}echo`, body: '{}', headers: [['idempotency-key', 'a,b']] }],
  ['no token', { path: `${REST}echo`, body: '{}', token: undefined }],
  ['a token that is none', { path: `${REST}echo`, body: '{}', token: 'a.b.c' }],
  ['an action that is none', { path: `${REST}constructor`, body: '{}' }],
  ['an encoded name', { path: `${REST}%65cho`, body: '{}' }],
  ['an encoded prefix', { path: '/api/%61ctions/echo', body: '{}' }],
  ['a query string', { path: `${REST}echo?a=1`, body: '{}' }],
  ['no name', { path: '/api/actions', body: '{}' }],
  ['no body', { path: `${REST}echo` }],
  ['another method', { method: 'PUT', path: `${REST}echo`, body: '{}' }],
  ['OPTIONS', { method: 'OPTIONS', path: `${REST}echo` }],
  [
    'what a browser asks before',
    {
      method: 'OPTIONS',
      path: `${REST}echo`,
      headers: [
        ['origin', PAGE],
        ['access-control-request-method', 'POST'],
        ['access-control-request-headers', 'authorization,x-own'],
      ],
    },
  ],
  ['another type', { path: `${REST}echo`, body: '{}', headers: [['content-type', 'text/plain']] }],
  ['an encoding', { path: `${REST}echo`, body: '{}', headers: [['content-encoding', 'gzip']] }],
  ['too large a body', { path: `${REST}echo`, body: JSON.stringify('a'.repeat(1024 * 1024)) }],
  [
    'too large a body over tRPC',
    { path: '/trpc/actions.echo', body: JSON.stringify('a'.repeat(1024 * 1024)) },
  ],
  ['over tRPC', { path: '/trpc/actions.echo', body: '{"json":{"note":"a"}}' }],
  ['a batch', { path: '/trpc/actions.echo,actions.refuse?batch=1', body: '{"0":{"json":{}}}' }],
  ['records', { method: 'GET', path: '/api/records/events?limit=2&orderBy=createdAt' }],
  ['HEAD of records', { method: 'HEAD', path: '/api/records/events' }],
  ['a record', { method: 'GET', path: '/api/records/events/none' }],
  ['an encoded collection', { method: 'GET', path: '/api/records/%65vents' }],
  ['a collection that is none', { method: 'GET', path: '/api/records/nothing' }],
  ['a parameter that is none', { method: 'GET', path: '/api/records/events?filter=1' }],
  ['an address that is no UTF-8', { method: 'GET', path: '/api/records/events?where=%ff' }],
  ['a body where none belongs', { method: 'DELETE', path: '/api/records/events/a', body: '{}' }],
  ['users', { method: 'GET', path: '/api/users/me' }],
  ['another method of users', { method: 'POST', path: '/api/users/me', body: '{}' }],
  ['the audit log', { method: 'GET', path: '/api/audit?limit=1' }],
  ['a removal', { method: 'POST', path: '/api/audit/erase', body: '{}' }],
  ['credits', { method: 'GET', path: '/api/credits/statement' }],
  ['the outbox', { method: 'POST', path: '/api/outbox/retry', body: '{}' }],
  ['the schedules', { method: 'POST', path: '/api/schedules/run-now', body: '{}' }],
  ['integrations', { method: 'GET', path: '/api/integrations' }],
  ['health', { method: 'GET', path: '/healthz' }],
  ['health by POST', { path: '/healthz', body: '{}' }],
  ['nothing', { method: 'GET', path: '/nowhere' }],
  ['a page of the app’s', { method: 'GET', path: '/page', headers: [['origin', PAGE]] }],
  ['a body for the app', { path: '/page', body: 'text' }],
]

describe('with a server and without one the answers are the same', () => {
  it.each(ROWS)('%s', async (_title, sent) => {
    const signedIn = { token, ...sent }
    const answer = withoutConnection(await sendAsIs(url, signedIn))
    expect(withoutConnection(await ask(signedIn))).toEqual(answer)
  })
})

describe('a request', () => {
  it('calls nothing when its sender hangs up halfway, and others go on', async () => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const head = [
      `POST ${REST}write HTTP/1.1`,
      `Host: ${hostname}`,
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      'Content-Length: 100',
      'X-Request-Id: half-a-request',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n{"title":`)
    await expect.poll(() => app.http.held.held).toBeGreaterThan(0)
    socket.destroy()
    const ended = expect.objectContaining({ requestId: 'half-a-request' })
    await expect.poll(() => app.logged).toContainEqual(ended)
    const lines = app.logged.filter((line) => line.requestId === 'half-a-request')
    expect(lines.map(({ msg }) => msg)).toEqual(['A request ended before it was complete'])
    const next = await sendAsIs(url, { token, path: `${REST}echo`, body: '{}' })
    expect(next.status).toBe(200)
  })

  it.each([
    ['with the whole address', `${'http://other.test'}${REST}echo`, 'deputy.test', 200],
    ['of a host with a port', `${REST}echo`, 'deputy.test:8080', 200],
    ['of an IPv6 host', `${REST}echo`, '[::1]:8080', 200],
    ['of a host in capitals', `${REST}echo`, 'Deputy.Test', 200],
    ['of a host that is none', `${REST}echo`, 'a_b:x', 400],
    ['of a host with a user', `${REST}echo`, 'a@deputy.test', 400],
    ['of a host with a path', `${REST}echo`, 'deputy.test/x', 400],
    ['of a host with a quote', `${REST}echo`, 'a",x="b', 400],
    ['with the whole address, of a host that is none', `${'http://other.test'}${REST}echo`, 'a b', 400],
    ['with the whole address, of a host with a caret', `${'http://other.test'}${REST}echo`, 'a^b', 400],
    ['with a whole address that is none', 'http://a b/api', 'deputy.test', 400],
    ['with a backslash', `/api\\actions/echo`, 'deputy.test', 400],
    ['with an asterisk', '*', 'deputy.test', 400],
    ['with another scheme', 'ftp://deputy.test/', 'deputy.test', 400],
  ])('%s', async (_title, target, host, status) => {
    const lines = [`Authorization: Bearer ${token}`, 'Content-Type: application/json', 'Content-Length: 2']
    const text = rawRequest(`POST ${target}`, lines, '{}').replace('Host: deputy.test', `Host: ${host}`)
    expect((await sendRaw(url, text)).statuses).toEqual([status])
  })

  it('of HTTP/1.0 needs no host', async () => {
    const text = rawRequest('GET /healthz')
      .replace('HTTP/1.1', 'HTTP/1.0')
      .replace('Host: deputy.test\r\n', '')
    expect((await sendRaw(url, text)).statuses).toEqual([200])
  })

  it('whose body nobody reads and that does not come loses its connection', async () => {
    const text = rawRequest(`POST ${REST}echo`, ['Content-Length: 9']).replace('Connection: close\r\n', '')
    expect((await sendRaw(url, text)).statuses).toEqual([401])
  })

  it.each(['/trpc/actions.look', '/api/records/events', '/healthz', '/page', '/nowhere'])(
    'by HEAD says which it was: %s',
    async (path) => {
      const { headers } = await sendAsIs(url, { method: 'HEAD', path, token })
      expect(headers['x-request-id']).toBe('the-request')
      expect(headers['x-content-type-options']).toBe('nosniff')
    },
  )

  it('of an encoded address of the engine’s is none of the app’s', async () => {
    const sent = { token, path: '/api/%61ctions/echo', body: '{}' }
    expect(await sendAsIs(url, sent)).toMatchObject({
      status: 404,
      body: expect.not.stringContaining('never'),
    })
  })
})
