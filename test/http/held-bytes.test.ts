import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { actionRegistry, ok } from 'deputyjs'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import { NO_RATE_LIMITS } from '../../server/limits/rate-limits.ts'
import { action } from '../fixture/deputy.ts'
import { PATIENCE_MS } from '../support/patience.ts'
import { createTestApp } from '../support/test-app.ts'

// limits.md: held, read-rate

const MIB = 1024 * 1024
/** More than the buffers of a connection take, which a machine lets grow to 4 MB for what is sent; and two fit. */
const ANSWER_CHARACTERS = 7_500_000
const MOST = 64 * MIB
/** What large bodies may take of it. */
const LARGE_ROOM = MOST * 0.75

/** How often the long answer was given. */
let answered = 0
const deafSockets = new Set<Socket>()

const actions = actionRegistry({
  /** Reads nothing and answers with much. */
  long: action.input(z.strictObject({})).query(async () => {
    answered += 1
    return ok({ text: 'x'.repeat(ANSWER_CHARACTERS) })
  }),
  longAfterWrite: action.input(z.strictObject({ title: z.string() })).mutation(async ({ ctx, input }) => {
    const created = await ctx.tools.create('events', {
      title: input.title,
      startsAt: ctx.now,
      capacity: 1,
    })
    return created.success ? ok({ text: 'x'.repeat(ANSWER_CHARACTERS) }) : created
  }),
  echo: action.input(z.strictObject({ text: z.string() })).mutation(async ({ input }) => ok(input)),
  tooLong: action.input(z.strictObject({ title: z.string() })).mutation(async ({ ctx, input }) => {
    const created = await ctx.tools.create('events', { title: input.title, startsAt: ctx.now, capacity: 1 })
    return created.success ? ok({ texts: Array(9).fill('y'.repeat(MIB)) }) : created
  }),
})

/** How many connections ask for far more than there is room for, twice each. */
const READERS = 12

type App = Awaited<ReturnType<typeof open>>
let app: App
let patient: Listening
let url: URL
let ada: string

function open() {
  // It refuses many calls, which are no reason here to refuse more.
  return createTestApp({ actions, maxHeldBytes: MOST, rateLimits: NO_RATE_LIMITS })
}

beforeAll(async () => {
  app = await open()
  // On a slow machine answers that are not read would be dropped while a test still counts on them.
  patient = await listen({ http: app.http, host: '127.0.0.1', port: 0, answerTimeoutMs: 600_000 })
  url = new URL(patient.url)
  ada = await app.token('ada')
  expect(await (await call('echo', { text: 'warm' })).json()).toMatchObject({ success: true })
})
afterEach(async () => {
  for (const socket of deafSockets) socket.destroy()
  deafSockets.clear()
  // Connections are accepted one after another: once this one is answered, none of those before it waits any more.
  const last = await deaf('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  last.resume()
  await once(last, 'close')
  await until(() => app.http.held.held === 0)
})
afterAll(async () => {
  await patient.close(1_000)
  await app[Symbol.asyncDispose]()
})

function call(name: string, input: unknown): Promise<Response> {
  return fetch(new URL(`/api/actions/${name}`, url), {
    method: 'POST',
    headers: { authorization: `Bearer ${ada}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
}

function getOverTrpc(): string {
  const input = encodeURIComponent(JSON.stringify({ json: {} }))
  return `GET /trpc/actions.long?input=${input} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada}\r\n\r\n`
}

function postOf(name: string, input: unknown): string {
  const body = JSON.stringify(input)
  return `POST /api/actions/${name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** A connection that sends this and reads nothing. */
async function deaf(text: string, at = url): Promise<Socket> {
  const socket = connect(Number(at.port), at.hostname)
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.pause()
  socket.write(text)
  deafSockets.add(socket)
  return socket
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(isTrue).toBe(true)
}

describe('what requests hold', () => {
  it('is bounded: readers who do not read leave room for small calls, and get no further large answers', async () => {
    await Promise.all(Array.from({ length: READERS }, () => deaf(getOverTrpc().repeat(2))))
    await until(() => app.http.held.held > MOST / 2)
    for (let round = 0; round < 20; round++) {
      expect((await call('echo', { text: 'small' })).status).toBe(200)
      expect(app.http.held.held).toBeLessThan(MOST * 1.2)
    }
    const refused = await fetch(
      new URL(`/trpc/actions.long?input=${encodeURIComponent('{"json":{}}')}`, url),
      {
        headers: { authorization: `Bearer ${ada}` },
      },
    )
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('2')
    expect(await refused.json()).toMatchObject({
      error: { json: { message: expect.stringContaining('has room for') } },
    })
  })

  it('tells of what was done however little room there is', async () => {
    await Promise.all(Array.from({ length: READERS }, () => deaf(getOverTrpc().repeat(2))))
    await until(() => app.http.held.held > MOST / 2)
    const answer = await call('longAfterWrite', { title: 'told' })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ success: true })
    // However its address is written.
    const spelled = await fetch(new URL('/trpc/actions%2ElongAfterWrite', url), {
      method: 'POST',
      headers: { authorization: `Bearer ${ada}`, 'content-type': 'application/json' },
      body: JSON.stringify({ json: { title: 'told' } }),
    })
    expect(await spelled.json()).toMatchObject({ result: { data: { json: { success: true } } } })
  })

  it('counts bodies that are on their way, and refuses one more with 503', async () => {
    const head = `POST /api/actions/echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada}\r\nContent-Type: application/json\r\nContent-Length: ${MIB}\r\n\r\n{`
    await Promise.all(Array.from({ length: 20 }, () => deaf(head)))
    // A call that were let in before them would take the room of one of them, and leave it to the next call.
    await until(() => app.http.held.held > LARGE_ROOM - 3 * MIB)
    const refused = await call('echo', { text: 'z'.repeat(MIB - 100) })
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('2')
    expect(await refused.json()).toMatchObject({ success: false, code: 'SERVICE_UNAVAILABLE' })
    expect((await call('echo', { text: 'small' })).status).toBe(200)
    expect((await fetch(new URL('/healthz', url))).status).toBe(200)
  })

  it('is given back however a request ends', async () => {
    const body = JSON.stringify({ text: 't'.repeat(2_000) })
    const chunked = `POST /api/actions/echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    const texts = [
      postOf('echo', { text: 'a' }),
      postOf('long', {}),
      postOf('longAfterWrite', { title: 'x' }),
      getOverTrpc(),
      getOverTrpc().repeat(3),
      `${chunked}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n',
      'BROKEN\r\n\r\n',
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.nat(texts.length - 1),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        async (which, part, isReset) => {
          const text = texts[which] ?? ''
          const socket = await deaf(text.slice(0, Math.ceil(text.length * part)))
          await new Promise((resolve) => setImmediate(resolve))
          if (isReset) socket.resetAndDestroy()
          else socket.destroy()
          await until(() => app.http.held.held === 0)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('an answer that is too large', () => {
  it('fails before anything is committed, and says so', async () => {
    const answer = await call('tooLong', { title: 'never kept' })
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      error: expect.stringContaining('at most'),
    })
    const { rows } = await app.database.query({
      sql: `select count(*)::int from events where title = 'never kept'`,
      params: [],
    })
    expect(rows).toEqual([[0]])
  })
})

describe('an answer that is not read', () => {
  describe('for long', () => {
    let impatient: Listening

    beforeAll(async () => {
      impatient = await listen({
        http: app.http,
        host: '127.0.0.1',
        port: 0,
        answerTimeoutMs: 500,
        minReadRate: 100 * MIB,
        checkIntervalMs: 100,
      })
    })
    // Waits for what its callers still have under way, which would take the room of what comes next.
    afterAll(() => impatient.close(PATIENCE_MS))

    it.each([
      ['over tRPC', () => getOverTrpc()],
      ['over REST', () => postOf('long', {})],
      ['pipelined', () => getOverTrpc().repeat(2)],
    ])('is dropped with its connection (%s)', async (_how, text) => {
      const before = answered
      await Promise.all(Array.from({ length: 5 }, () => deaf(text().repeat(2), new URL(impatient.url))))
      await until(() => answered > before + 1)
      await until(() => app.http.held.held === 0)
    })
  })

  it('is sent whole to a reader who takes it slowly', async () => {
    // Its time is that of this test: how slowly it is taken depends on the machine.
    const watchful = await listen({ http: app.http, host: '127.0.0.1', port: 0, checkIntervalMs: 20 })
    const socket = connect(Number(new URL(watchful.url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write(getOverTrpc())
    let bytes = 0
    let status = ''
    socket.on('data', (chunk: Buffer) => {
      status ||= chunk.toString('latin1', 0, 12)
      bytes += chunk.length
      socket.pause()
      setImmediate(() => socket.resume())
    })
    await until(() => status !== '')
    expect(status).toBe('HTTP/1.1 200')
    await until(() => bytes > ANSWER_CHARACTERS)
    socket.destroy()
    await until(() => app.http.held.held === 0)
    await watchful.close(1_000)
  })
})
