import { once } from 'node:events'
import { request } from 'node:http'
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { actionRegistry, fail, ok } from 'deputyjs'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createClient } from '../../client/core/index.ts'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { action, type Routes } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

const ORIGIN = 'https://a.example.com'
const LONG = 'Zeile für Zeile, €😀. '.repeat(200)
const PAGE = { 'content-type': 'text/plain; charset=utf-8' }

const actions = actionRegistry({
  text: action
    .input(z.strictObject({ characters: z.number() }))
    .query(async ({ input }) => ok({ text: 'x'.repeat(input.characters) })),
  echo: action.input(z.strictObject({ text: z.string() })).mutation(async ({ input }) => ok(input)),
  numbers: action.input(z.strictObject({ list: z.array(z.number()) })).query(async () => ok(1)),
  refuse: action.input(z.strictObject({})).mutation(async () => fail('CONFLICT', LONG)),
})

/** Lets a stream of the app's go on. */
let goOn = () => {}
const routes: Routes = () =>
  new Hono()
    .get('/whole', (c) => c.text(LONG, 200, { vary: 'Cookie', etag: '"one"' }))
    .get('/bytes', (c) => c.body(new TextEncoder().encode(LONG), 200, PAGE))
    .get('/blob', () => new Response(new Blob([LONG]), { headers: PAGE }))
    .get('/length', (c) => c.body(LONG, 200, { ...PAGE, 'content-length': String(Buffer.byteLength(LONG)) }))
    .get('/weak', (c) => c.text(LONG, 200, { etag: 'W/"one"' }))
    .get('/any', (c) => c.text(LONG, 200, { vary: '*' }))
    .get('/varied', (c) => c.text(LONG, 200, { vary: 'accept-encoding, Accept' }))
    .get('/failed', (c) => c.text(LONG, 418))
    .get('/zipped', (c) => c.body(gzipSync(LONG), 200, { ...PAGE, 'content-encoding': 'gzip' }))
    .get('/kept', (c) => c.text(LONG, 200, { 'cache-control': 'public, no-transform' }))
    .get('/part', (c) => c.text(LONG, 206, { 'content-range': 'bytes 0-9/100' }))
    .get('/digest', (c) => c.text(LONG, 200, { 'content-digest': 'sha-256=:AA==:' }))
    .get('/image', (c) => c.body(LONG, 200, { 'content-type': 'image/png' }))
    .get('/cookie', (c) => c.text(LONG, 200, { 'set-cookie': 'a=b' }))
    .get('/none', (c) => c.body(null, 204))
    .get('/unchanged', (c) => c.body(null, 304, { etag: '"one"' }))
    .get('/events', (c) => c.body(`data: ${LONG}\n\n`, 200, { 'content-type': 'text/event-stream' }))
    .get('/stream', (c) => {
      const gate = new Promise<void>((resolve) => {
        goOn = resolve
      })
      const pieces = [`${LONG}\n`, 'the end']
      const stream = new ReadableStream<Uint8Array>({
        async pull(controller) {
          if (pieces.length === 1) await gate
          const piece = pieces.shift()
          if (piece === undefined) controller.close()
          else controller.enqueue(new TextEncoder().encode(piece))
        },
      })
      return c.body(stream, 200, PAGE)
    })

const newApp = () => createTestApp({ actions, routes, corsOrigins: [ORIGIN] })
let app: Awaited<ReturnType<typeof newApp>>
let token: string
let server: Listening
beforeAll(async () => {
  app = await newApp()
  token = await app.token('ada')
  server = await listen({ http: app.http, host: '127.0.0.1', port: 0 })
  const caller = app.createCaller({ token })
  for (let at = 0; at < 8; at += 1)
    await caller.records.events.create({
      data: { title: `Event ${at} ${'x'.repeat(150)}`, startsAt: new Date(0), capacity: 1 },
    })
})
afterAll(async () => {
  await server.close(1_000)
  await app[Symbol.asyncDispose]()
})

interface Sent {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly bytes: Buffer
}

/** Sends the headers as they stand, and gives the bytes as they came. */
async function send({ url }: Listening, sent: Sent, accept: string | undefined): Promise<Answer> {
  const { method = sent.body === undefined ? 'GET' : 'POST', path, body } = sent
  const headers = {
    authorization: `Bearer ${token}`,
    'x-request-id': 'the-request',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(accept === undefined ? {} : { 'accept-encoding': accept }),
    ...sent.headers,
  }
  const sending = request(url + path, { method, headers }).end(body)
  const [response] = await once(sending, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const { date: _date, ...others } = response.headers
  return { status: response.statusCode, headers: others, bytes: Buffer.concat(chunks) }
}

function decoded({ headers, bytes }: Answer): string {
  const encoding = headers['content-encoding']
  if (encoding === 'br') return brotliDecompressSync(bytes).toString()
  if (encoding === 'gzip') return gunzipSync(bytes).toString()
  return bytes.toString()
}

/** What compressing does not change. */
function others({ headers }: Answer) {
  const { 'content-encoding': _encoding, 'content-length': _length, etag, ...rest } = headers
  return { ...rest, ...(etag === undefined ? {} : { etag: String(etag).replace('W/', '') }) }
}

const input = (characters: number) => encodeURIComponent(JSON.stringify({ json: { characters } }))
const text = (characters: number) => JSON.stringify({ characters })
const envelope = (value: unknown) => JSON.stringify({ json: value })
const batch = JSON.stringify({ 0: { json: { text: LONG } }, 1: { json: {} } })

/** Every one of them is refused. */
const MANY_KEYS = JSON.stringify({ list: Array(30).fill('a') })

type Row = readonly [title: string, sent: Sent]
const COMPRESSED: readonly Row[] = [
  ['an action', { path: '/api/actions/text', body: text(4_000) }],
  ['an action for a page', { path: '/api/actions/text', body: text(4_000), headers: { origin: ORIGIN } }],
  ['a failure', { path: '/api/actions/refuse', body: '{}' }],
  ['a refused input', { path: '/api/actions/numbers', body: MANY_KEYS }],
  ['a query over tRPC', { path: `/trpc/actions.text?input=${input(2_000)}` }],
  ['a mutation over tRPC', { path: '/trpc/actions.echo', body: envelope({ text: LONG }) }],
  ['a failure over tRPC', { path: '/trpc/actions.refuse', body: envelope({}) }],
  ['a batch', { path: '/trpc/actions.echo,actions.refuse?batch=1', body: batch }],
  [
    'a batch with an input too few',
    { path: '/trpc/actions.echo,actions.echo?batch=1', body: `{"0":{"json":{"text":"${LONG}"}}}` },
  ],
  ['records', { path: '/api/records/events' }],
  ['records over tRPC', { path: '/trpc/records.events.list' }],
  ['a text of the app’s', { path: '/whole' }],
  ['bytes of the app’s', { path: '/bytes' }],
  ['a blob of the app’s', { path: '/blob' }],
  ['what says its length', { path: '/length' }],
  ['a weak tag', { path: '/weak' }],
  ['a status of the app’s', { path: '/failed' }],
  ['what varies by everything', { path: '/any' }],
  ['what varies by it already', { path: '/varied' }],
]

describe.each(['br', 'gzip'])('%s', (encoding) => {
  it.each(COMPRESSED)('holds %s as it is without', async (_, sent) => {
    const answer = await send(server, sent, encoding)
    const without = await send(server, sent, undefined)
    expect(without.headers['content-encoding']).toBeUndefined()
    expect(answer.headers['content-encoding']).toBe(encoding)
    expect(answer.headers['content-length']).toBe(String(answer.bytes.length))
    expect(answer.bytes.length).toBeLessThan(without.bytes.length)
    expect(decoded(answer)).toBe(without.bytes.toString())
    expect(answer.status).toBe(without.status)
    expect(others(answer)).toEqual(others(without))
    expect(String(answer.headers.vary)).toMatch(/\*|accept-encoding/i)
  })
})

const KEPT: readonly Row[] = [
  ['a short answer', { path: '/api/actions/text', body: text(900) }],
  ['a short answer over tRPC', { path: `/trpc/actions.text?input=${input(800)}` }],
  ['an unknown address', { path: '/nowhere' }],
  ['health', { path: '/healthz' }],
  ['what is compressed already', { path: '/zipped' }],
  ['what may not be transformed', { path: '/kept' }],
  ['a part', { path: '/part' }],
  ['what is signed', { path: '/digest' }],
  ['what is no text', { path: '/image' }],
  ['an answer that sets a cookie', { path: '/cookie' }],
  ['an answer to a cookie', { path: '/whole', headers: { cookie: 'a=b' } }],
  ['an answer to Basic credentials', { path: '/whole', headers: { authorization: 'Basic YTpi' } }],
  ['no content', { path: '/none' }],
  ['what has not changed', { path: '/unchanged' }],
  ['events', { path: '/events' }],
  ['HEAD of an action’s', { method: 'HEAD', path: '/api/records/events' }],
  ['HEAD of the app’s', { method: 'HEAD', path: '/whole' }],
]
it.each(KEPT)('leaves as it is: %s', async (_, sent) => {
  expect(await send(server, sent, 'gzip, br')).toEqual(await send(server, sent, undefined))
})

it('compresses what is beyond 1 KiB, and not what has just that', async () => {
  const frame = Buffer.byteLength(JSON.stringify({ success: true, data: { text: '' } }))
  for (const [bytes, encoding] of [
    [1024, undefined],
    [1025, 'gzip'],
  ] as const) {
    const body = text(bytes - frame)
    const answer = await send(server, { path: '/api/actions/text', body }, 'gzip')
    expect(Buffer.byteLength(decoded(answer))).toBe(bytes)
    expect(answer.headers['content-encoding']).toBe(encoding)
  }
})

it('joins Vary with what it says already, and weakens a strong ETag', async () => {
  const varies = async (path: string) => (await send(server, { path }, 'br')).headers.vary
  expect(await varies('/whole')).toBe('Cookie, Origin, Accept-Encoding')
  expect(await varies(`/trpc/actions.text?input=${input(2_000)}`)).toBe(
    'trpc-accept, accept, Origin, Accept-Encoding',
  )
  expect(await varies('/varied')).toBe('accept-encoding, Accept, Origin')
  expect((await send(server, { path: '/whole' }, 'br')).headers.etag).toBe('W/"one"')
  expect((await send(server, { path: '/weak' }, 'br')).headers.etag).toBe('W/"one"')
  expect((await send(server, { path: '/whole' }, undefined)).headers.etag).toBe('"one"')
  expect((await send(server, { method: 'HEAD', path: '/whole' }, 'br')).headers.vary).toContain(
    'Accept-Encoding',
  )
})

it('passes a stream on piece by piece', async () => {
  const response = await fetch(`${server.url}/stream`)
  expect(response.headers.get('content-encoding')).toBeNull()
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let read = ''
  while (!read.includes('\n')) read += (await reader?.read())?.value ?? ''
  expect(read).toBe(`${LONG}\n`)
  goOn()
  expect((await reader?.read())?.value).toBe('the end')
  expect((await reader?.read())?.done).toBe(true)
})

it('answers a crowd, each with its own, and holds nothing afterwards', async () => {
  const sizes = Array.from({ length: 150 }, (_, at) => 20_000 + at)
  const answers = await Promise.all(
    sizes.map((size) => send(server, { path: '/api/actions/text', body: text(size) }, 'br, gzip')),
  )
  expect(answers.map((answer) => JSON.parse(decoded(answer)).data.text.length)).toEqual(sizes)
  expect(answers.filter(({ headers }) => headers['content-encoding'] === 'br').length).toBeGreaterThan(0)
  while (app.http.held.held > 0) await new Promise((resolve) => setImmediate(resolve))
})

it('the client reads what is compressed', async () => {
  const encodings: (string | null)[] = []
  const client = createClient<FixtureRouter>({
    url: server.url,
    token,
    fetch: async (address, init) => {
      const response = await fetch(address, init as RequestInit) // tRPC writes the same type less strictly.
      encodings.push(response.headers.get('content-encoding'))
      return response
    },
  })
  const page = await client.records.events.list.query({ orderBy: 'title' })
  expect(page.success && page.data.records.map(({ data }) => data.title[6])).toEqual([...'76543210'])
  expect(encodings).toEqual([expect.stringMatching(/^(?:br|gzip)$/)])
})

it('is off where a proxy does it', async () => {
  await using other = await createTestApp({ actions, isCompressing: false })
  const url = await other.listen()
  const response = await fetch(`${url}/api/actions/text`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await other.token('ada')}`, 'content-type': 'application/json' },
    body: text(4_000),
  })
  expect(response.headers.get('content-encoding')).toBeNull()
  expect(response.headers.get('vary')).toBeNull()
})
