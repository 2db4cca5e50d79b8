import { connect } from 'node:net'
import { actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { action } from '../fixture/deputy.ts'
import { get, post } from '../http/send.ts'
import { createTestApp } from '../support/test-app.ts'

const CONNECTIONS = 4
/** Half of the connections. */
const SHARE = 2
const FLOOD = 20
const none = z.strictObject({})

/** Holds calls until they are let go. */
class Gate {
  most = 0
  readonly #held = new Set<() => void>()
  #isOpen = false

  get held(): number {
    return this.#held.size
  }

  close(): void {
    this.most = 0
    this.#isOpen = false
  }

  async pass(): Promise<void> {
    if (this.#isOpen) return
    await new Promise<void>((resolve) => {
      this.#held.add(resolve)
      this.most = Math.max(this.most, this.#held.size)
    })
  }

  open(): void {
    this.#isOpen = true
    for (const letGo of this.#held) letGo()
    this.#held.clear()
  }
}

const gate = new Gate()
const order: string[] = []

const actions = actionRegistry({
  /** Holds its connection. */
  hold: action.input(none).mutation(async ({ ctx }) => {
    await ctx.tools.count('events')
    await gate.pass()
    return ok({})
  }),
  read: action.input(none).query(({ ctx }) => ctx.tools.count('events')),
  /** Waits for what is outside. */
  wait: action.input(none).mutation(async ({ ctx }) => {
    await ctx.tools.once('wait', async () => {
      await gate.pass()
      return {}
    })
    return ok({})
  }),
  make: action
    .input(z.strictObject({ id: z.string() }))
    .mutation(({ ctx, input }) =>
      ctx.tools.create('events', { title: 'Hot', startsAt: new Date(), capacity: 1_000 }, input.id),
    ),
  /** Changes one record that all change. */
  change: action.input(z.strictObject({ eventId: z.string() })).mutation(async ({ ctx, input }) => {
    const changed = await ctx.tools.increment('events', input.eventId, { attendeeCount: 1 })
    if (changed.success) order.push(ctx.userId)
    return changed
  }),
})

async function open(options: { maxWaitingCalls?: number } = {}) {
  const app = await createTestApp({
    actions,
    pool: { max: CONNECTIONS, acquireTimeoutMs: 60_000 },
    ...options,
  })
  return { app, url: await app.listen() }
}

let app: Awaited<ReturnType<typeof open>>['app']
let url: string
beforeAll(async () => {
  ;({ app, url } = await open())
})
afterAll(() => app[Symbol.asyncDispose]())
beforeEach(() => gate.close())

/** Sends so many calls of an action. @returns their statuses, each as it comes */
type Send = (token: string, name: string, calls: number) => Promise<readonly number[]>

const TRANSPORTS: Readonly<Record<string, Send>> = {
  REST: (token, name, calls) =>
    Promise.all(
      Array.from({ length: calls }, async () => (await post(`${url}/api/actions/${name}`, { token })).status),
    ),
  'a batch over tRPC': async (token, name, calls) => {
    const batches = Array.from({ length: calls / 10 }, async () => {
      const paths = Array(10).fill(`actions.${name}`).join(',')
      const inputs = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [at, { json: {} }]))
      const { status } = await post(`${url}/trpc/${paths}?batch=1`, { token, body: JSON.stringify(inputs) })
      return Array<number>(10).fill(status)
    })
    return (await Promise.all(batches)).flat()
  },
}

describe('one caller', () => {
  it.each(Object.keys(TRANSPORTS))('holds no more than half of the connections by %s', async (transport) => {
    const send = TRANSPORTS[transport]
    const [mallory, ada] = [await app.token('mallory'), await app.token('ada')]
    const flood = send?.(mallory, 'hold', FLOOD)
    await expect.poll(() => gate.held).toBe(SHARE)
    const answers = await Promise.all(
      Array.from({ length: FLOOD }, () => post(`${url}/api/actions/read`, { token: ada })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(FLOOD).fill(200))
    expect(gate.held).toBe(SHARE)
    gate.open()
    expect(await flood).toEqual(Array(FLOOD).fill(200))
    expect(gate.most).toBe(SHARE)
  })

  it('has others work while calls wait for what is outside, however many', async () => {
    const mallory = await app.token('mallory')
    const flood = TRANSPORTS.REST?.(mallory, 'wait', FLOOD)
    await expect.poll(() => gate.held).toBe(FLOOD)
    expect(app.engine.callSlots.counts).toMatchObject({ working: 0, suspended: FLOOD })
    expect((await post(`${url}/api/actions/read`, { token: mallory })).status).toBe(200)
    gate.open()
    expect(await flood).toEqual(Array(FLOOD).fill(200))
    expect(app.engine.callSlots.inFlight).toBe(0)
  })

  it('has no more than their part of those who wait for a turn on a record', async () => {
    const [mallory, ada] = [await app.as('mallory'), await app.as('ada')]
    expect((await ada.actions.make({ id: 'hot' })).success).toBe(true)
    order.length = 0
    const flood = Promise.all(Array.from({ length: 90 }, () => mallory.actions.change({ eventId: 'hot' })))
    await expect.poll(() => order.length).toBeGreaterThan(20)
    const before = order.length
    expect((await ada.actions.change({ eventId: 'hot' })).success).toBe(true)
    const passed = order.slice(before).indexOf('ada')
    const left = (await flood).filter(({ success }) => !success)
    expect(left).toEqual([])
    // An attempt that met a conflict is in the order as well: it has changed the record, and lost it again.
    expect(passed).toBeLessThan(40)
  })
})

describe('a server with more calls than it can answer', () => {
  it('refuses further ones at once, and still answers probes and the owner', async () => {
    const opened = await open({ maxWaitingCalls: 40 })
    const { url } = opened
    await using app = opened.app
    const others = await Promise.all(Array.from({ length: 9 }, (_one, nth) => app.as(`caller-${nth}`)))
    const calls = Promise.allSettled(
      others.slice(0, 8).flatMap((caller) => Array.from({ length: 7 }, () => caller.actions.hold({}))),
    )
    await expect.poll(() => app.engine.callSlots.counts).toMatchObject({ working: 16, waiting: 40 })
    const refused = await post(`${url}/api/actions/read`, { token: await app.token('caller-0') })
    expect(refused).toMatchObject({
      status: 503,
      json: {
        success: false,
        code: 'SERVICE_UNAVAILABLE',
        error: 'There are more calls than the server can answer in time; try again shortly.',
        details: { retryAfterSeconds: 1 },
      },
    })
    expect(refused.headers.get('retry-after')).toBe('1')
    // Whoever has none that wait takes the place of one who has many.
    const late = others[8]?.actions.hold({})
    const healthy = await get(`${url}/healthz`)
    expect(healthy.status).toBe(200)
    const owner = app.as('owner').then((caller) => caller.actions.hold({}))
    await expect.poll(() => app.engine.callSlots.counts).toMatchObject({ working: 17, waiting: 40 })
    gate.open()
    const settled = await calls
    const refusals = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(refusals).toMatchObject([{ code: 'SERVICE_UNAVAILABLE' }])
    expect(settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.success] : []))).toEqual(
      Array(8 * 7 - 1).fill(true),
    )
    expect([await late, await owner]).toMatchObject([{ success: true }, { success: true }])
    expect((await get(`${url}/readyz`)).status).toBe(200)
    expect(app.engine.callSlots.inFlight).toBe(0)
  })
})

describe('a call that waits for room', () => {
  it('is not begun once its caller has gone', async () => {
    const token = await app.token('mallory')
    const flood = TRANSPORTS.REST?.(token, 'hold', SHARE)
    await expect.poll(() => gate.held).toBe(SHARE)
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const id = 'made-by-one-who-left'
    const body = JSON.stringify({ id })
    socket.write(
      `POST /api/actions/make HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    await expect.poll(() => app.engine.callSlots.counts.waiting).toBe(1)
    socket.destroy()
    const stays = post(`${url}/api/actions/make`, { token, body: JSON.stringify({ id: 'made' }) })
    await expect.poll(() => app.engine.callSlots.counts.waiting).toBe(2)
    gate.open()
    expect((await stays).status).toBe(200)
    await flood
    const made = await app.database.query({
      sql: `select record_id from events where record_id like 'made%'`,
      params: [],
    })
    expect(made.rows).toEqual([['made']])
  })

  it.each([
    '/api/actions/make',
    '/api/records/events',
    '/api/users/register',
    '/api/integrations/weather/forecast',
    '/trpc/actions.make',
    '/trpc/records.events.create',
    '/trpc/integrations.request',
  ])('takes no room before its body has arrived: %s', async (address) => {
    const token = await app.token('slow')
    const { hostname, port } = new URL(url)
    await expect.poll(() => app.http.held.held).toBe(0)
    const sockets = Array.from({ length: 3 }, () => {
      const socket = connect(Number(port), hostname)
      socket.write(
        `POST ${address} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{`,
      )
      return socket
    })
    await expect.poll(() => app.http.held.held).toBeGreaterThan(3 * 16_384)
    // Whatever they do before the rest of them comes, they have done once another call was answered.
    expect((await post(`${url}/api/actions/read`, { token })).status).toBe(200)
    expect(app.engine.callSlots.counts.working).toBe(0)
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => app.http.held.held).toBe(0)
  })

  it('has no part of others where the app calls as no one in its own process', async () => {
    const waits = Promise.all(Array.from({ length: 6 }, () => app.createCaller({}).integrations.list()))
    expect(app.engine.callSlots.counts.waiting).toBe(0)
    expect((await waits).every(({ success }) => success)).toBe(true)
  })
})
