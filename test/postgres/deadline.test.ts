import { ok } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createProbe, type Handler, type Probe } from '../invocation/probe.ts'
import { type Admin, connectAsAdmin } from './admin.ts'

// limits.md: statement

let probe: Probe
let admin: Admin
beforeAll(async () => {
  probe = await createProbe({ max: 2 })
  admin = connectAsAdmin(probe)
})
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

const timedOut = { success: false, code: 'GATEWAY_TIMEOUT' }
const sleep: Handler = (ctx) => ctx.tools.sql((database) => database.execute(sql`select pg_sleep(60)`))

it('a statement that outlasts the deadline is stopped, and its connection serves others', async () => {
  const eventId = await probe.newEvent('before')
  const outcomes = await Promise.all(
    Array.from({ length: 6 }, () =>
      probe.runBriefly(async (ctx) => {
        await ctx.tools.update('events', eventId, { title: 'after' })
        return sleep(ctx)
      }),
    ),
  )
  for (const outcome of outcomes) expect(outcome).toMatchObject(timedOut)
  expect(await probe.event(eventId)).toMatchObject({ title: 'before' })
  await vi.waitFor(async () => {
    expect(await admin.connections('active')).toBe(0)
    expect(await admin.connections('idle in transaction')).toBe(0)
  })
})

it('an action that catches the failure of its deadline cannot go on', async () => {
  const eventId = await probe.newEvent('before')
  const trace: string[] = []
  const outcome = await probe.runBriefly(async (ctx) => {
    await ctx.tools.update('events', eventId, { title: 'after' })
    const slept = await sleep(ctx).catch(() => 'thrown')
    trace.push(JSON.stringify(slept))
    return ok('went on')
  })
  expect(outcome).toMatchObject(timedOut)
  await vi.waitFor(async () => expect(await admin.connections('active')).toBe(0))
  // Either the statement's own timeout came first, as a failure, or the deadline, and then nothing at all.
  for (const line of trace) expect(line).toContain('GATEWAY_TIMEOUT')
  expect(await probe.event(eventId)).toMatchObject({ title: 'before' })
})

it('stopping one call never stops another one', async () => {
  const innocent = async () => {
    const outcomes = []
    for (let n = 0; n < 40; n += 1) {
      outcomes.push(
        await probe.run((ctx) => ctx.tools.sql((database) => database.execute(sql`select pg_sleep(0.02)`))),
      )
    }
    return outcomes
  }
  const [outcomes] = await Promise.all([
    innocent(),
    ...Array.from({ length: 5 }, () => probe.runBriefly(sleep)),
  ])
  expect(outcomes.filter((outcome) => !outcome.success)).toEqual([])
})
