import { performance } from 'node:perf_hooks'
import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createProbe, type Probe } from '../invocation/probe.ts'
import { type Admin, connectAsAdmin } from './admin.ts'

let probe: Probe
let admin: Admin
beforeAll(async () => {
  probe = await createProbe({ max: 2 })
  admin = connectAsAdmin(probe)
  await admin.sql`
    insert into events (record_id, created_at, updated_at, title, starts_at, capacity, visibility)
    select 'event-' || i, now(), now(), repeat('a', 10000), now(), 10, 'public' from generate_series(1, 20000) i`
}, 120_000)
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

it('the worst search is stopped at the deadline, and its connection is free right after', async () => {
  const pattern = `b${'a'.repeat(99)}`
  const where = { OR: Array.from({ length: 5 }, () => ({ title: { contains: pattern } })) }
  let searches = 0
  const start = performance.now()
  const outcome = await probe.runBriefly(async (ctx) => {
    for (;;) {
      const page = await ctx.asCaller.query('events', { where, limit: 1_000 })
      if (!page.success) return page
      searches += 1
      if (searches > 100) return ok('never stopped')
    }
  })
  expect(outcome).toMatchObject({ success: false, code: 'GATEWAY_TIMEOUT' })
  // The whole collection would take a minute: longer than is waited here.
  await vi.waitFor(async () => expect(await admin.connections('active')).toBe(0))
  expect(performance.now() - start).toBeLessThan(45_000)
  expect(await probe.run(async (ctx) => ctx.tools.get('events', 'event-1'))).toMatchObject({ success: true })
})
