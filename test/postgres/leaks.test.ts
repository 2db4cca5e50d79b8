import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { json } from '../integrations/upstream.ts'
import { createProbe, eventData, type Handler, type Probe } from '../invocation/probe.ts'
import { type Admin, connectAsAdmin } from './admin.ts'

const POOL = 6
let probe: Probe
let admin: Admin
beforeAll(async () => {
  probe = await createProbe({ max: POOL })
  admin = connectAsAdmin(probe)
})
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

const never = () => new Promise<never>(() => {})

/** Every one writes first, and then fails in a way of its own. */
const WAYS: readonly Handler[] = [
  async () => fail('CONFLICT', 'No.'),
  () => Promise.reject(new Error('thrown')),
  async () => undefined,
  async () => ok(new Map()),
  (ctx) => ctx.tools.create('attendees', { eventId: randomUUID(), attendeeId: 'bob' }),
  (ctx) => ctx.tools.sql((database) => database.execute(sql`select 1 / 0`)),
  (ctx) => ctx.tools.sql(() => Promise.reject(new Error('thrown in sql'))),
  (ctx) => ctx.tools.sql((database) => database.execute(sql`commit`)),
  (ctx) => ctx.tools.get('events', randomUUID()),
  (ctx) => ctx.tools.update('events', randomUUID(), { title: 'x' }),
  (ctx) => ctx.tools.integration('bank/refuses'),
  (ctx) => ctx.tools.integration('bank/..'),
  (ctx) => ctx.tools.once('throws', () => Promise.reject(new Error('thrown in once'))),
  async (ctx) => {
    await ctx.tools.integration('bank/refuses')
    throw new Error('thrown after a call')
  },
  async (ctx) => {
    void ctx.tools.count('events')
    throw new Error('thrown beside a call')
  },
  async (ctx) => {
    void ctx.tools.create('attendees', { eventId: randomUUID(), attendeeId: 'bob' })
    return ok('forgotten')
  },
]

it('a thousand calls that fail in every way leave no connection, turn or write behind', {
  timeout: 120_000,
}, async () => {
  probe.upstream.on('bank/refuses', (_received, response) => json(response, 402, { error: 'No credits.' }))
  const hot = await probe.newEvent('hot')
  const failOne = (n: number) =>
    probe
      .run(async (ctx) => {
        const created = await ctx.tools.create('events', eventData('left behind'))
        if (!created.success) return created
        // Some of them meet others on one record, so that turns are taken.
        if (n % 3 === 0) await ctx.tools.increment('events', hot, { attendeeCount: 1 })
        return WAYS[n % WAYS.length]?.(ctx)
      })
      .catch((error: unknown) => ({ success: false, error }))
  let next = 0
  const caller = async () => {
    while (next < 1_000) {
      next += 1
      expect(await failOne(next)).toMatchObject({ success: false })
    }
  }
  await Promise.all(Array.from({ length: 20 }, caller))
  const timedOut = Array.from({ length: POOL }, () =>
    probe.runBriefly(async (ctx) => {
      await ctx.tools.create('events', eventData('left behind'))
      return never()
    }),
  )
  for (const outcome of await Promise.all(timedOut))
    expect(outcome).toMatchObject({ code: 'GATEWAY_TIMEOUT' })

  await vi.waitFor(async () => {
    expect(await admin.connections('idle in transaction')).toBe(0)
    expect(await admin.connections('active')).toBe(0)
  })
  const leases = await Promise.all(Array.from({ length: POOL }, () => probe.app.database.acquire()))
  for (const lease of leases) lease.release()
  const { turns } = probe.app.engine
  for (const key of [`events/${hot}`, 'action:probe', 'action:briefProbe'])
    expect(turns.isTaken(key)).toBe(false)
  const [left] = await admin.sql`select count(*)::int as count from events where title = 'left behind'`
  expect(left?.count).toBe(0)
  expect(await probe.event(hot)).toMatchObject({ attendeeCount: 0 })
})
