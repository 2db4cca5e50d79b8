import { once } from 'node:events'
import { connect } from 'node:net'
import { actionRegistry } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { listen } from '../../server/lifecycle/listen.ts'
import { action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { get, post, rawRequest, sendRaw } from './send.ts'

/** Passes what it is given on to the tools, as a careless action would. */
const list = action
  .input(z.strictObject({ options: z.unknown() }))
  .query(({ ctx, input }) => ctx.tools.query('events', input.options as Record<string, never>))

const make = () => createTestApp({ actions: actionRegistry({ list }) })
let app: Awaited<ReturnType<typeof make>>
let base: string
beforeAll(async () => {
  app = await make()
  base = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const answersIn = (text: string) => text.match(/HTTP\/1\.1 200 /g)?.length ?? 0
const errorsLogged = () => app.logged.filter(({ level }) => Number(level) >= 50)

describe('one connection', () => {
  it('is closed when it asks for far more at once than a client does', async () => {
    const many = 'GET /healthz HTTP/1.1\r\nHost: deputy.test\r\n\r\n'.repeat(2_000)
    // A reset before the first answer is as good.
    const text = await sendRaw(base, many).then(
      (answer) => answer.text,
      () => '',
    )
    expect(answersIn(text)).toBeLessThan(2_000)
    expect((await get(`${base}/healthz`)).status).toBe(200)
  })

  it('may ask for a few things at once', async () => {
    const several = 'GET /healthz HTTP/1.1\r\nHost: deputy.test\r\n\r\n'.repeat(9)
    const { text } = await sendRaw(base, several + rawRequest('GET /healthz'))
    expect(answersIn(text)).toBe(10)
  })
})

describe('slow connections', () => {
  it('are closed while others are served, whether their headers or their bodies do not come', async () => {
    const slow = await listen({
      http: app.http,
      host: '127.0.0.1',
      port: 0,
      headersTimeoutMs: 500,
      requestTimeoutMs: 1_000,
      checkIntervalMs: 100,
    })
    const { port } = new URL(slow.url)
    const bodyless = rawRequest('POST /api/actions/list', [
      'Content-Length: 100',
      'Content-Type: application/json',
    ])
    const sockets = Array.from({ length: 500 }, (_, position) => {
      const socket = connect({ host: '127.0.0.1', port: Number(port) })
      socket.on('error', () => {})
      socket.write(position % 2 === 0 ? 'POST /api/actions/list HTTP/1.1\r\nHost: x\r\n' : bodyless)
      return socket
    })
    const closed = sockets.map((socket) => once(socket.resume(), 'close'))
    expect((await get(`${slow.url}/healthz`)).status).toBe(200)
    await Promise.all(closed)
    expect((await get(`${slow.url}/healthz`)).status).toBe(200)
    await slow.close(1_000)
  })
})

describe('the log', () => {
  it.each(['TRACE', 'PUT', 'DELETE', 'PROPFIND'])(
    'holds no error for %s, which is refused',
    async (method) => {
      const { statuses } = await sendRaw(base, rawRequest(`${method} /trpc/actions.list`))
      expect(statuses).toEqual([405])
      expect(errorsLogged()).toEqual([])
    },
  )

  it('tells that a token was refused, and not which', async () => {
    const answer = await post(`${base}/api/actions/list`, {
      token: 'a.b.secret',
      headers: { 'x-request-id': 'refusal-1' },
    })
    expect(answer.status).toBe(401)
    const lines = app.logged.filter(({ requestId }) => requestId === 'refusal-1')
    expect(lines).toMatchObject([{ msg: 'A token was refused' }])
    expect(JSON.stringify(lines)).not.toContain('a.b.secret')
  })
})

describe('a refusal', () => {
  it('does not repeat a key as long as the body', async () => {
    const where = { ['k'.repeat(500_000)]: 1 }
    const answer = await post(`${base}/api/actions/list`, {
      token: await app.token('ada'),
      body: JSON.stringify({ options: { where } }),
    })
    expect(answer.status).toBe(400)
    expect(answer.text.length).toBeLessThan(1_000)
  })

  it('is made of an object where a name belongs', async () => {
    const answer = await post(`${base}/api/actions/list`, {
      token: await app.token('ada'),
      body: JSON.stringify({ options: { orderBy: { toString: 1 } } }),
    })
    expect(answer).toMatchObject({ status: 400, json: { code: 'BAD_REQUEST' } })
  })
})
