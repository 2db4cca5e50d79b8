import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { parseRange } from '../../server/auth/client-address.ts'
import { action } from '../fixture/deputy.ts'
import { standingClock } from '../support/standing-clock.ts'
import { createTestApp } from '../support/test-app.ts'

// limits.md: failing

const FAILING = 3
const loopback = ['127.0.0.0/8', '::1'].map(parseRange).filter((range) => range !== undefined)
const actions = {
  write: action.input(z.strictObject({})).mutation(async () => ok({})),
  read: action.input(z.strictObject({})).query(async () => ok({})),
}
const open = () =>
  createTestApp<typeof actions>({
    actions,
    trustedProxies: loopback,
    rateLimits: { failing: FAILING, user: 99, anonymous: 99 },
    ...standingClock(),
  })
let app: Awaited<ReturnType<typeof open>>
let url: string
beforeAll(async () => {
  app = await open()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

interface Request {
  readonly path: string
  readonly method?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** @default a valid one */
  readonly authorization?: string
}

const ROUTE = '/events/none/attendees'
const BATCH = '/trpc/actions.no,actions.write,actions.no?batch=1'
const MEMBERS = '{"0":{"json":{}},"1":{"json":{}},"2":{"json":{}}}'

/** What is refused, with its status, and how many calls of it are. */
const REFUSED: readonly [what: string, status: number, request: Request, calls?: number][] = [
  ['JSON that is none, over REST', 400, { path: '/api/actions/write', body: '{' }],
  ['JSON that is none, over tRPC', 400, { path: '/trpc/actions.write', body: '{' }],
  ['JSON that is none, for a record', 400, { path: '/api/records/events', body: '{' }],
  ['an action that is not there, over REST', 404, { path: '/api/actions/no' }],
  ['an action that is not there, over tRPC', 404, { path: '/trpc/actions.no' }],
  ['a collection that is not there', 404, { path: '/api/records/no' }],
  ['an address that is not there', 404, { path: '/api/users/no' }],
  ['a procedure that is not there', 404, { path: '/trpc/no.such' }],
  ['a media type, over REST', 415, { path: '/api/actions/write', headers: { 'content-type': 'text/plain' } }],
  [
    'a media type, over tRPC',
    415,
    { path: '/trpc/actions.write', headers: { 'content-type': 'text/plain' } },
  ],
  ['a method', 405, { path: '/api/actions/write', method: 'PUT' }],
  ['no token, over REST', 401, { path: '/api/actions/write', authorization: '' }],
  ['no token, over tRPC', 401, { path: '/trpc/actions.write', authorization: '' }],
  ['a bad token, over REST', 401, { path: '/api/actions/write', authorization: 'Bearer no.such.token' }],
  ['a bad token, over tRPC', 401, { path: '/trpc/actions.write', authorization: 'Bearer no.such.token' }],
  ['another scheme', 401, { path: '/api/records/events', authorization: 'Basic bm86bm8=' }],
  ['no token, by a route of the app', 401, { path: ROUTE, method: 'GET', authorization: '' }],
  ['a bad token, by a route of the app', 401, { path: ROUTE, method: 'GET', authorization: 'Bearer no' }],
  ['the document with another method', 405, { path: '/openapi.json' }],
  ['what is below the document', 404, { path: '/openapi.json/no', method: 'GET' }],
  ['the document without a token', 401, { path: '/openapi.json', method: 'GET', authorization: '' }],
  ['a query string', 400, { path: '/api/records/events?no=1', method: 'GET' }],
  ['a key on a read', 400, { path: '/trpc/actions.read', headers: { 'idempotency-key': 'key' } }],
  ['a dry run of neither', 400, { path: '/api/actions/write', headers: { 'deputy-dry-run': 'no' } }],
  [
    'a dry run of neither, over tRPC',
    400,
    { path: '/trpc/actions.write', headers: { 'deputy-dry-run': 'no' } },
  ],
  ['an input, which counts once', 400, { path: '/api/actions/write', body: '{"no":1}' }],
  ['members of a batch', 207, { path: BATCH, body: MEMBERS }, 2],
  ['a body that is too large', 413, { path: '/api/actions/write', body: ' '.repeat(1_100_000) }, 0],
]

const isReading = (method: string) => method === 'GET' || method === 'HEAD'

let nth = 0
/** A caller of an address of their own. */
async function caller() {
  nth += 1
  const user = randomUUID()
  const from = `198.51.100.${nth}`
  const bearer = `Bearer ${await app.token(user)}`
  const send = ({ path, method = 'POST', body = '{"json":{}}', headers, authorization = bearer }: Request) =>
    fetch(url + path, {
      method,
      headers: {
        'x-forwarded-for': from,
        ...(isReading(method) ? {} : { 'content-type': 'application/json' }),
        ...(authorization === '' ? {} : { authorization }),
        ...headers,
      },
      ...(isReading(method) ? {} : { body }),
    })
  const left = (isStranger: boolean) => {
    const limited = { userId: isStranger ? undefined : user, address: from }
    let remaining = 0
    while (!app.engine.limiter.failing(limited)) {
      app.engine.limiter.fail(limited)
      remaining += 1
    }
    return remaining
  }
  return { send, left }
}

it.each(REFUSED)(
  '%s is refused with %i, and counts for its caller',
  async (_what, status, request, calls = 1) => {
    const { send, left } = await caller()
    const answer = await send(request)
    expect(answer.status).toBe(status)
    const isStranger = request.authorization !== undefined
    expect(left(isStranger)).toBe(FAILING - calls)
    if (calls === 0) return
    const refused = await send(request)
    expect([refused.status, refused.headers.get('ratelimit')]).toEqual([
      429,
      expect.stringContaining('"failing";r=0'),
    ])
  },
)

const KNOWN: Request = { path: '/openapi.json', method: 'GET', headers: {} }

/** What is answered, by whatever endpoint. */
const TAKEN: readonly [what: string, request: Request, status?: number][] = [
  ['an action over tRPC', { path: '/trpc/actions.write' }],
  ['an action over REST', { path: '/api/actions/write', body: '{}' }],
  [
    'a batch',
    { path: '/trpc/actions.write,actions.write?batch=1', body: '{"0":{"json":{}},"1":{"json":{}}}' },
  ],
  ['records', { path: '/api/records/events', method: 'GET' }],
  ['records of a stranger', { path: '/api/records/events', method: 'GET', authorization: '' }],
  ['what is the caller’s own', { path: '/api/users/me', method: 'GET' }],
  ['the document', { path: '/openapi.json', method: 'GET' }],
  ['the head of the document', { path: '/openapi.json', method: 'HEAD' }],
  ['the document, which is known', KNOWN, 304],
]

it.each(TAKEN)(
  '%s counts for nothing, and for the limit of who calls',
  async (_what, request, status = 200) => {
    const { send, left } = await caller()
    const other = await caller()
    const known = (await other.send({ path: '/openapi.json', method: 'GET' })).headers.get('etag') ?? ''
    const answer = await send(request === KNOWN ? { ...KNOWN, headers: { 'if-none-match': known } } : request)
    const isStranger = request.authorization === ''
    expect([answer.status, answer.headers.get('ratelimit-policy')]).toEqual([
      status,
      expect.stringContaining(isStranger ? '"anonymous"' : '"user"'),
    ])
    expect(left(isStranger)).toBe(FAILING)
  },
)

it('the document that is for everyone counts for the address of a stranger, and a bad token for nothing more', async () => {
  await using open = await createTestApp({
    apiDocs: 'public',
    rateLimits: { failing: FAILING, anonymous: 6 },
    ...standingClock(),
  })
  const address = `${await open.listen()}/openapi.json`
  const read = async (authorization?: string) =>
    (await fetch(address, authorization === undefined ? {} : { headers: { authorization } })).status
  for (let nth = 0; nth < 5; nth += 1) expect(await read()).toBe(200)
  expect(await read('Bearer no.such.token')).toBe(200)
  expect(await read()).toBe(429)
})

it('a stranger at the same address keeps no one from calling who is signed in', async () => {
  const { send, left } = await caller()
  left(true)
  expect((await send({ path: '/api/records/events', method: 'GET', authorization: '' })).status).toBe(429)
  expect((await send({ path: '/trpc/actions.write' })).status).toBe(200)
})
