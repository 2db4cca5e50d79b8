import { request } from 'node:http'
import { connect } from 'node:net'
import { actionRegistry, fail, ok } from 'deputyjs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import { action, ownerAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

const scalars = z.strictObject({
  at: z.date().optional(),
  amount: z.bigint().optional(),
  note: z.string().max(20).optional(),
  list: z.array(z.unknown()).optional(),
})

const actions = actionRegistry({
  echo: action.input(scalars).mutation(async ({ input }) => ok(input)),
  look: action.input(scalars).query(async ({ input }) => ok(input)),
  refuse: action
    .input(z.strictObject({}))
    .mutation(async () => fail('CONFLICT', 'Not now.', { details: { retryAfterSeconds: 7 } })),
  throws: action.input(z.strictObject({})).mutation(async () => {
    throw new Error('a secret')
  }),
  cannotBeSent: action.input(z.strictObject({})).mutation(async () => ok({ constructor: new Date(0) })),
  ownersOnly: ownerAction.input(z.strictObject({})).mutation(async () => ok('in')),
  checked: action
    .input(z.strictObject({ note: z.string().refine(async (note) => note !== 'bad', 'is bad') }))
    .mutation(async ({ input }) => ok(input)),
  broken: action
    .input(
      z.strictObject({
        note: z.string().refine(() => {
          throw new TypeError('a secret')
        }),
      }),
    )
    .mutation(async ({ input }) => ok(input)),
  write: action
    .input(z.strictObject({ title: z.string() }))
    .mutation(({ ctx, input }) =>
      ctx.tools.create('events', { ...input, startsAt: new Date(0), capacity: 1 }, 'the-one'),
    ),
})

const newApp = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof newApp>>
let token: string
let plain: Listening
let fast: Listening
let taken = 0
beforeAll(async () => {
  app = await newApp()
  token = await app.token('ada')
  // Known from now on.
  await app.engine.verifier.verify(token)
  const at = { host: '127.0.0.1', port: 0 }
  plain = await listen({ fetch: app.fetch, ...at })
  fast = await listen({
    fetch: app.fetch,
    ...at,
    fastPath(incoming, outgoing) {
      const answer = app.fastPath(incoming, outgoing)
      if (answer) taken += 1
      return answer
    },
  })
})
afterAll(async () => {
  await Promise.all([plain.close(1_000), fast.close(1_000)])
  await app[Symbol.asyncDispose]()
})

interface Sent {
  readonly method?: string
  readonly path: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string | Uint8Array
  /** @default ada's */
  readonly token?: string | undefined
}

/** Sends headers as they stand, and gives the answer without what is its own each time. */
function send(url: string, sent: Sent): Promise<unknown> {
  const { method = 'POST', path, headers = [], body } = sent
  const { hostname, port, host } = new URL(url)
  const bearer = 'token' in sent ? sent.token : token
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const usual: [string, string][] = [['X-Request-Id', 'the-request']]
  if (!given.has('host')) usual.push(['Host', host])
  if (bearer !== undefined) usual.push(['Authorization', `Bearer ${bearer}`])
  if (body !== undefined && !given.has('transfer-encoding'))
    usual.push(['Content-Length', String(Buffer.byteLength(body))])
  if (body !== undefined && !given.has('content-type')) usual.push(['Content-Type', 'application/json'])
  const lines = [...usual, ...headers].flat()
  return new Promise((resolve, reject) => {
    const sending = request({ hostname, port, method, path, setHost: false, headers: lines })
    sending.on('error', reject)
    sending.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { date: _date, ...others } = response.headers
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode, headers: others, body: text })
      })
    })
    sending.end(body)
  })
}

/** Sends the same to a server with the fast path and to one without. @returns whether the fast path took it. */
async function expectSameAnswers(sent: Sent): Promise<boolean> {
  const before = taken
  const answer = await send(fast.url, sent)
  const isTaken = taken > before
  expect(answer).toEqual(await send(plain.url, sent))
  return isTaken
}

const REST = '/api/actions/'
const TRPC = '/trpc/actions.'
const ENVELOPE = JSON.stringify({ json: {} })
const batch = (...names: readonly string[]) => `/trpc/${names.map((name) => `actions.${name}`)}?batch=1`
const inputs = (...values: readonly unknown[]) => JSON.stringify(Object.assign({}, values))

const TAKEN: readonly (readonly [string, Sent])[] = [
  ['a call', { path: `${REST}echo`, body: '{"note":"ä€😀"}' }],
  ['a date and a bigint', { path: `${REST}echo`, body: '{"at":"2030-01-01T00:00:00Z","amount":"12"}' }],
  ['a reading action', { path: `${REST}look`, body: '{}' }],
  ['a byte order mark', { path: `${REST}echo`, body: '\ufeff{}' }],
  [
    'a charset',
    { path: `${REST}echo`, body: '{}', headers: [['content-type', 'application/json; charset=utf-8']] },
  ],
  ['a failure', { path: `${REST}refuse`, body: '{}' }],
  ['a gate', { path: `${REST}ownersOnly`, body: '{}' }],
  ['an error', { path: `${REST}throws`, body: '{}' }],
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
  ['over tRPC', { path: `${TRPC}echo`, body: '{"json":{"note":"a"}}' }],
  [
    'a date over tRPC',
    {
      path: `${TRPC}echo`,
      body: '{"json":{"at":"2030-01-01T00:00:00Z"},"meta":{"values":{"at":["Date"]},"v":1}}',
    },
  ],
  ['what is no envelope', { path: `${TRPC}echo`, body: '{"note":"a"}' }],
  ['null over tRPC', { path: `${TRPC}echo`, body: 'null' }],
  ['a Map over tRPC', { path: `${TRPC}echo`, body: '{"json":{"at":[]},"meta":{"values":{"at":["map"]}}}' }],
  ['a failure over tRPC', { path: `${TRPC}refuse`, body: ENVELOPE }],
  ['a gate over tRPC', { path: `${TRPC}ownersOnly`, body: ENVELOPE }],
  ['an error over tRPC', { path: `${TRPC}throws`, body: ENVELOPE }],
  ['an answer that cannot be sent', { path: `${TRPC}cannotBeSent`, body: ENVELOPE }],
  ['a batch', { path: batch('echo', 'refuse'), body: inputs({ json: {} }, { json: {} }) }],
  ['a batch of one', { path: batch('echo'), body: inputs({ json: {} }) }],
  [
    'a batch with an error',
    { path: batch('echo', 'throws', 'echo'), body: inputs({ json: {} }, { json: {} }, {}) },
  ],
  [
    'a batch of errors',
    { path: batch('ownersOnly', 'ownersOnly'), body: inputs({ json: {} }, { json: {} }) },
  ],
  [
    'a batch that cannot be sent',
    { path: batch('echo', 'cannotBeSent'), body: inputs({ json: {} }, { json: {} }) },
  ],
  ['too many inputs', { path: batch('echo'), body: inputs({ json: {} }, { json: {} }) }],
  // Left to the library once they are read.
  ['too few inputs', { path: batch('echo', 'echo'), body: inputs({ json: {} }) }],
  ['a batch that is a list', { path: batch('echo'), body: '[{"json":{}}]' }],
  ['no JSON over tRPC', { path: `${TRPC}echo`, body: '{"json":' }],
  ['no UTF-8 over tRPC', { path: `${TRPC}echo`, body: Uint8Array.of(34, 0xff, 34) }],
  ['records', { method: 'GET', path: '/api/records/events?limit=2&orderBy=createdAt' }],
  ['a record', { method: 'GET', path: '/api/records/events/none' }],
  ['a collection that is none', { method: 'GET', path: '/api/records/nothing' }],
  ['a parameter that is none', { method: 'GET', path: '/api/records/events?filter=1' }],
  [
    'a condition that is none',
    { method: 'GET', path: '/api/records/events?where=%7B%22title%22%3A%7B%22like%22%3A1%7D%7D' },
  ],
  ['an address that is no UTF-8', { method: 'GET', path: '/api/records/events?where=%ff' }],
]

const LEFT: readonly (readonly [string, Sent])[] = [
  ['no token', { path: `${REST}echo`, body: '{}', token: undefined }],
  ['a token that is none', { path: `${REST}echo`, body: '{}', token: 'a.b.c' }],
  ['a token that is none, over tRPC', { path: `${TRPC}echo`, body: ENVELOPE, token: 'a.b.c' }],
  ['an action that is none', { path: `${REST}constructor`, body: '{}' }],
  [
    'an action that is none, over tRPC',
    { path: batch('echo', 'nothing'), body: inputs({ json: {} }, { json: {} }) },
  ],
  ['an encoded name', { path: `${REST}%65cho`, body: '{}' }],
  ['a query string', { path: `${REST}echo?a=1`, body: '{}' }],
  ['dots', { path: `${REST}a/../echo`, body: '{}' }],
  ['no body', { path: `${REST}echo`, headers: [['content-length', '0']] }],
  ['another method', { method: 'PUT', path: `${REST}echo`, body: '{}' }],
  ['HEAD', { method: 'HEAD', path: '/api/records/events' }],
  ['OPTIONS', { method: 'OPTIONS', path: `${REST}echo` }],
  ['another type', { path: `${REST}echo`, body: '{}', headers: [['content-type', 'text/plain']] }],
  ['an encoding', { path: `${REST}echo`, body: '{}', headers: [['content-encoding', 'gzip']] }],
  ['chunks', { path: `${REST}echo`, body: '{}', headers: [['transfer-encoding', 'chunked']] }],
  ['a header given twice', { path: `${REST}echo`, body: '{}', headers: [['authorization', 'Bearer x']] }],
  [
    'a key given twice',
    {
      path: `${REST}echo`,
      body: '{}',
      headers: [
        ['idempotency-key', 'a'],
        ['idempotency-key', 'b'],
      ],
    },
  ],
  ['too large a body', { path: `${REST}echo`, body: JSON.stringify('a'.repeat(1024 * 1024)) }],
  ['another host', { path: `${REST}echo`, body: '{}', headers: [['host', 'a_b:x']] }],
  ['an expectation', { path: `${REST}echo`, body: '{}', headers: [['expect', '100-continue']] }],
  [
    'a stream',
    { path: batch('echo'), body: inputs({ json: {} }), headers: [['trpc-accept', 'application/jsonl']] },
  ],
  ['a query by POST', { path: `${TRPC}look`, body: ENVELOPE }],
  ['a query by GET', { method: 'GET', path: `${TRPC}look?input=${encodeURIComponent(ENVELOPE)}` }],
  [
    'a batch too large',
    { path: batch(...Array<string>(11).fill('echo')), body: inputs(...Array(11).fill({ json: {} })) },
  ],
  [
    'too few slots',
    {
      path: batch('echo', 'echo'),
      body: inputs({ json: {} }, { json: {} }),
      headers: [['idempotency-key', 'a']],
    },
  ],
  ['an encoded collection', { method: 'GET', path: '/api/records/%65vents' }],
  ['a body of a GET', { method: 'GET', path: '/api/records/events', body: '{}' }],
]

describe('the fast path answers as everybody else does', () => {
  it.each(TAKEN)('%s', async (_title, sent) => {
    expect(await expectSameAnswers(sent)).toBe(true)
  })

  it.each(LEFT)('and leaves %s to them', async (_title, sent) => {
    expect(await expectSameAnswers(sent)).toBe(false)
  })

  it('whatever is sent', async () => {
    const json = fc.json({ maxDepth: 3 })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(`${REST}echo`, `${REST}look`, `${TRPC}echo`, batch('echo', 'checked')),
        fc.oneof(
          json,
          json.map((text) => `{"json":${text}}`),
          fc.tuple(json, json).map(([first, second]) => `{"0":{"json":${first}},"1":${second}}`),
          fc.string({ unit: 'binary', minLength: 1 }),
        ),
        async (path, body) => {
          await expectSameAnswers({ path, body })
        },
      ),
      { numRuns: 150 },
    )
  })

  it('a repeated key', async () => {
    const sent: Sent = {
      path: `${REST}write`,
      body: '{"title":"a"}',
      headers: [['idempotency-key', 'again']],
    }
    await send(plain.url, sent)
    expect(await expectSameAnswers(sent)).toBe(true)
    const other = { ...sent, body: '{"title":"b"}' }
    expect(await expectSameAnswers(other)).toBe(true)
    const batched: Sent = {
      path: batch('write', 'echo'),
      body: inputs({ json: { title: 'a' } }, { json: {} }),
      headers: [['idempotency-key', 'again,']],
    }
    expect(await expectSameAnswers(batched)).toBe(true)
  })
})

describe('the fast path', () => {
  it('calls nothing for who hangs up halfway, and goes on', async () => {
    const { hostname, port } = new URL(fast.url)
    const before = taken
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
    await expect.poll(() => taken).toBe(before + 1)
    socket.destroy()
    const ended = expect.objectContaining({ requestId: 'half-a-request' })
    await expect.poll(() => app.logged).toContainEqual(ended)
    const lines = app.logged.filter((line) => line.requestId === 'half-a-request')
    expect(lines.map(({ msg }) => msg)).toEqual(['A request ended before it was complete'])
    expect(await send(fast.url, { path: `${REST}echo`, body: '{}' })).toMatchObject({ status: 200 })
  })

  it('says nothing of what a schema throws, which is a bug of the app', async () => {
    const answer = await send(fast.url, { path: `${REST}broken`, body: '{"note":"a"}' })
    expect(answer).toMatchObject({ status: 500 })
    expect(JSON.stringify(answer)).not.toContain('a secret')
    expect(app.logged).toContainEqual(
      expect.objectContaining({ msg: 'A call failed with an unexpected error', requestId: 'the-request' }),
    )
  })

  it.each(['https://page.test', 'https://other.test', undefined])(
    'answers pages of other origins as everybody else does: %s',
    async (origin) => {
      await using withCors = await createTestApp({ actions, corsOrigins: ['https://page.test'] })
      const bearer = await withCors.token('ada')
      await withCors.engine.verifier.verify(bearer)
      let answered = 0
      const at = { host: '127.0.0.1', port: 0, fetch: withCors.fetch }
      const slow = await listen(at)
      const quick = await listen({
        ...at,
        fastPath(incoming, outgoing) {
          const answer = withCors.fastPath(incoming, outgoing)
          if (answer) answered += 1
          return answer
        },
      })
      const headers = origin === undefined ? [] : ([['Origin', origin]] as const)
      const calls = [
        { path: `${REST}echo`, body: '{}' },
        { path: `${REST}refuse`, body: '{}' },
        { path: '/trpc/actions.echo', body: '{"json":{}}' },
        { path: '/api/records/events', method: 'GET' },
      ]
      for (const call of calls) {
        const sent = { ...call, headers, token: bearer }
        expect(await send(quick.url, sent)).toEqual(await send(slow.url, sent))
      }
      expect(answered).toBe(calls.length)
      await Promise.all([slow.close(1_000), quick.close(1_000)])
    },
  )

  it('closes its connections when the server stops', async () => {
    await using stopping = await createTestApp({ actions })
    const bearer = await stopping.token('ada')
    await stopping.engine.verifier.verify(bearer)
    const url = await stopping.listen()
    const call = async () => {
      const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
      const answer = await fetch(`${url}${REST}echo`, { method: 'POST', headers, body: '{}' })
      return answer.headers.get('connection')
    }
    expect(await call()).toBe('keep-alive')
    stopping.stop()
    expect(await call()).toBe('close')
  })
})
