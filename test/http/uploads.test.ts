import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Hono } from 'hono'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import type { Routes } from '../fixture/deputy.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { createTestApp } from '../support/test-app.ts'
import { rawRequest, sendRaw } from './send.ts'

// limits.md: request-time

const MIB = 1024 * 1024
const MOST = 8 * MIB

let read = 0
let goOn = () => {}
/** The ids that routes were given beside those that answers had. */
const requestIds: string[] = []
const routes: Routes = ({ allowBody, authenticate, respond }) => {
  allowBody('/uploads/*', { maxBodyBytes: MOST, requestTimeoutMs: 60_000 })
  allowBody('/files/:name/content', { maxBodyBytes: 2 * MIB })
  allowBody('/slow', { maxBodyBytes: 1_000, requestTimeoutMs: 60_000 })
  const app = new Hono()
  const count = async (body: ReadableStream<Uint8Array> | null) => {
    read = 0
    if (body) for await (const piece of body) read += piece.length
    return read
  }
  app.post('/uploads/counted', async (c) => {
    const caller = await authenticate(c.req.raw)
    if ('response' in caller) return caller.response
    requestIds.push(caller.requestId)
    return c.json({ bytes: await count(c.req.raw.body) })
  })
  app.post('/uploads/waiting', async (c) => {
    await new Promise<void>((resolve) => {
      goOn = resolve
    })
    return c.json({ bytes: await count(c.req.raw.body) })
  })
  app.post('/uploads/whole', async (c) => c.json({ bytes: (await c.req.arrayBuffer()).byteLength }))
  app.post('/uploads/form', async (c) => {
    const { file } = await c.req.parseBody()
    return c.json({ bytes: file instanceof File ? file.size : -1 })
  })
  app.post('/uploads/careless', async (c) => {
    await c.req.arrayBuffer().catch(() => undefined)
    return c.json({ bytes: 0 })
  })
  app.post('/uploads/unread', (c) => c.json({ bytes: 0 }, 202))
  app.all('/files/:name/content', async (c) => c.json({ bytes: await count(c.req.raw.body) }))
  app.post('/slow', async (c) => c.json({ bytes: await count(c.req.raw.body) }))
  app.post('/other', async (c) => c.json({ bytes: await count(c.req.raw.body) }))
  app.post('/refused', () => respond({ success: false, error: 'No.', code: 'FORBIDDEN' }))
  return app
}

const newApp = () => createTestApp({ routes })
let app: Awaited<ReturnType<typeof newApp>>
let url: string
let token: string
const sockets = new Set<Socket>()
beforeAll(async () => {
  app = await newApp()
  url = await app.listen()
  token = await app.token('ada')
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  while (app.http.held.held > 0) await turn()
})
afterAll(() => app[Symbol.asyncDispose]())

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > endMs) throw new Error('It did not come to that')
    await turn()
  }
}

/** Posts so many bytes, with their length or in chunks. */
async function post(path: string, bytes: number, isChunked: boolean, method = 'POST') {
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, 'x-request-id': 'upload-1' }
  if (!isChunked) headers['content-length'] = String(bytes)
  // A connection of its own: one with a rest that nobody read is closed after the answer.
  const sending = request(url + path, { method, headers, agent: false })
  // What is refused is not taken to its end.
  sending.on('error', () => {})
  sending.setMaxListeners(0)
  const answered = once(sending, 'response')
  for (let rest = bytes; rest > 0 && !sending.destroyed; rest -= 65_536) {
    if (!sending.write(Buffer.alloc(Math.min(rest, 65_536), 'x')))
      await Promise.race([once(sending, 'drain'), answered])
  }
  sending.end()
  const [response] = await answered
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  return { status: response.statusCode, headers: response.headers, json: JSON.parse(text) }
}

const PATHS = ['counted', 'whole'] as const
const KINDS = [
  ['with its length', false],
  ['in chunks', true],
] as const

describe.each(KINDS)('a body %s', (_, isChunked) => {
  it.each(PATHS)('goes through up to the limit of its route: %s', async (path) => {
    for (const bytes of [0, 1, MIB, MIB + 1, MOST]) {
      const { status, json } = await post(`/uploads/${path}`, bytes, isChunked)
      expect([status, json]).toEqual([200, { bytes }])
    }
  })

  it.each([...PATHS, 'careless'])('is 413 beyond it, with a sentence: %s', async (path) => {
    const { status, json, headers } = await post(`/uploads/${path}`, MOST + 1, isChunked)
    expect(status).toBe(413)
    expect(json).toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      error: `A body may have at most ${MOST} bytes at this address.`,
    })
    expect(headers.connection).toBe('close')
  })

  it('has 1 MiB at every other address', async () => {
    for (const path of [
      '/other',
      '/api/actions/createEvent',
      '/upload',
      '/files/a/b/content',
      '/%75ploads/whole',
    ]) {
      const { status, json } = await post(path, MIB + 1, isChunked)
      expect([path, status]).toEqual([path, 413])
      expect(json.error).toBe(`A body may have at most ${MIB} bytes.`)
    }
  })

  it('is counted against the limit of its own route', async () => {
    expect((await post('/files/a/content', 2 * MIB, isChunked, 'PUT')).status).toBe(200)
    expect((await post('/files/a/content', 2 * MIB + 1, isChunked, 'PUT')).status).toBe(413)
    expect((await post('/slow', 1_000, isChunked)).status).toBe(200)
    expect((await post('/slow', 1_001, isChunked)).status).toBe(413)
  })

  it('may stay unread', async () => {
    expect((await post('/uploads/unread', 3 * MIB, isChunked)).status).toBe(202)
  })

  it('keeps the id of its request', async () => {
    requestIds.length = 0
    const { headers } = await post('/uploads/counted', 10, isChunked)
    expect([headers['x-request-id'], ...requestIds]).toEqual(['upload-1', 'upload-1'])
  })
})

it('a form is read as ever', async () => {
  const body = new FormData()
  body.set('file', new File([new Uint8Array(3 * MIB)], 'a.bin'))
  const response = await fetch(`${url}/uploads/form`, { method: 'POST', body })
  expect(await response.json()).toEqual({ bytes: 3 * MIB })
})

it('a route without a caller is 401 before anything is read', async () => {
  const response = await fetch(`${url}/uploads/counted`, {
    method: 'POST',
    body: new Uint8Array(2 * MIB),
  })
  expect(response.status).toBe(401)
})

it('both a length and chunks are refused', async () => {
  const headers = ['Content-Length: 5', 'Transfer-Encoding: chunked']
  const { statuses } = await sendRaw(
    url,
    rawRequest('POST /uploads/whole', headers, '5\r\nabcde\r\n0\r\n\r\n'),
  )
  expect(statuses).toEqual([400])
})

/** A connection that sends a request's beginning, and goes on when it is told to. */
async function begin(path: string, headers: string, at = url): Promise<Socket> {
  const { hostname, port } = new URL(at)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  sockets.add(socket)
  await once(socket, 'connect')
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n${headers}\r\n\r\n`)
  return socket
}

it.each(['Content-Length: 8388608', 'Transfer-Encoding: chunked'])(
  'holds a MiB at most, and takes no more than is read: %s',
  async (header) => {
    await until(() => app.http.held.held === 0)
    const socket = await begin('/uploads/waiting', header)
    await until(() => app.http.held.held > 0)
    expect(app.http.held.held).toBeLessThanOrEqual(MIB + 16 * 1024)
    const piece = Buffer.alloc(65_536, 'x')
    const isChunked = header.startsWith('T')
    for (let at = 0; at < 128; at += 1)
      socket.write(isChunked ? Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]) : piece)
    if (isChunked) socket.write('0\r\n\r\n')
    // What the system's buffers take has gone, and the rest waits here.
    let seen = -1
    while (seen !== socket.bytesWritten - socket.writableLength) {
      seen = socket.bytesWritten - socket.writableLength
      for (let at = 0; at < 200; at += 1) await turn()
    }
    expect(socket.writableLength).toBeGreaterThan(0)
    goOn()
    const [answer] = await once(socket.setEncoding('utf8'), 'data')
    expect(answer).toContain('{"bytes":8388608}')
  },
)

describe('with little time', () => {
  let server: Listening
  beforeAll(async () => {
    server = await listen({
      http: app.http,
      host: '127.0.0.1',
      port: 0,
      requestTimeoutMs: 100,
      checkIntervalMs: 20,
    })
  })
  afterAll(() => server.close(1_000))

  it.each(['/other', '/api/actions/createEvent', '/trpc/actions.createEvent', '/api/records/events'])(
    'a slow body is 408 at %s, and not where a route takes longer',
    async (path) => {
      const slow = await begin('/slow', 'Content-Length: 4', server.url)
      slow.write('ab')
      const other = await begin(path, 'Content-Length: 4\r\nContent-Type: application/json', server.url)
      other.write('ab')
      const [refused] = await once(other.setEncoding('utf8'), 'data')
      expect(refused).toMatch(/^HTTP\/1\.1 408 /)
      slow.write('cd')
      const [answer] = await once(slow.setEncoding('utf8'), 'data')
      expect(answer).toContain('{"bytes":4}')
    },
  )

  it('a route may also take less than others', async () => {
    await using own = await createTestApp({
      routes: ({ allowBody }) => {
        allowBody('/quick', { maxBodyBytes: 10, requestTimeoutMs: 50 })
        return new Hono().post('/quick', async (c) => c.text(await c.req.text()))
      },
    })
    const quick = await listen({ ...own, host: '127.0.0.1', port: 0, checkIntervalMs: 20 })
    const socket = await begin('/quick', 'Content-Length: 4', quick.url)
    const [refused] = await once(socket.setEncoding('utf8'), 'data')
    expect(refused).toMatch(/^HTTP\/1\.1 408 /)
    await quick.close(1_000)
  })
})

const USABLE = { maxBodyBytes: 10 * MIB }
const REFUSED: readonly (readonly [
  path: string,
  limit: { maxBodyBytes: number; requestTimeoutMs?: number },
  says: RegExp,
])[] = [
  ['/api/actions/createEvent', USABLE, /covers \/api, which is the engine’s/],
  ['/api/actions/*', USABLE, /covers \/api/],
  ['/api/records/events', USABLE, /covers \/api/],
  ['/api/*', USABLE, /covers \/api/],
  ['/api/:kind/upload', USABLE, /covers \/api/],
  ['/:a/:b', USABLE, /covers \/api/],
  ['/:a', USABLE, /covers \/api/],
  ['/trpc/*', USABLE, /covers \/trpc/],
  ['/*', USABLE, /a path has names|covers/],
  ['*', USABLE, /a path has names/],
  ['api/uploads', USABLE, /a path has names/],
  ['/up loads', USABLE, /a path has names/],
  ['/a/*/b', USABLE, /a path has names/],
  ['/a/', USABLE, /a path has names/],
  ['/a?b', USABLE, /a path has names/],
  ['', USABLE, /a path has names/],
  ['/twice', USABLE, /has a limit already/],
  ['/a', { maxBodyBytes: 0 }, /maxBodyBytes must be/],
  ['/a', { maxBodyBytes: 1.5 }, /maxBodyBytes must be/],
  ['/a', { maxBodyBytes: Number.POSITIVE_INFINITY }, /maxBodyBytes must be/],
  ['/a', { ...USABLE, requestTimeoutMs: 0 }, /requestTimeoutMs must be/],
  ['/a', { ...USABLE, requestTimeoutMs: Number.NaN }, /requestTimeoutMs must be/],
  ['/a', { ...USABLE, requestTimeoutMs: 86_400_001 }, /requestTimeoutMs must be/],
]
/** An app that does not come to be leaves it open. */
let opened: TestDatabase
beforeAll(async () => {
  opened = await openTestDatabase()
})
afterAll(() => opened[Symbol.asyncDispose]())

it.each(REFUSED)('the start refuses allowBody(%j, %j)', async (path, limit, says) => {
  const opening = createTestApp({
    opened,
    routes: ({ allowBody }) => {
      allowBody('/twice', USABLE)
      allowBody(path, limit)
      return new Hono()
    },
  })
  await expect(opening).rejects.toThrow(says)
  await expect(opening).rejects.toThrow(/^server\/routes\.ts: allowBody\(.* Such as allowBody\('\/uploads/s)
})

it('allowBody is refused once the routes are built', async () => {
  let late = () => {}
  await using _own = await createTestApp({
    routes: ({ allowBody }) => {
      late = () => allowBody('/late', USABLE)
      return new Hono()
    },
  })
  expect(late).toThrow(/while the routes are built/)
})
