import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createProbe, eventData, gate, type Handler, type Probe } from '../invocation/probe.ts'
import { type Admin, connectAsAdmin } from './admin.ts'

/** Whose calls wait for a connection as long as a test does. */
let probe: Probe
/** Whose calls do not wait long. */
let impatient: Probe
let admin: Admin
beforeAll(async () => {
  probe = await createProbe({ max: 2, acquireTimeoutMs: 60_000 })
  impatient = await createProbe({ max: 2, acquireTimeoutMs: 200 })
  admin = connectAsAdmin(probe)
})
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await impatient[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

/** As the owner, who has no part of the room for calls and is looked up nowhere: only the pool is full here. */
const run = (handler: Handler, of = probe) => of.run(handler, 'owner')

const unavailable = { success: false, code: 'SERVICE_UNAVAILABLE', details: { retryAfterSeconds: 1 } }

/** Takes every connection, until released. */
async function exhaust(of = probe) {
  // What is connected already is given at once.
  await vi.waitFor(async () => {
    const { database } = of.app
    const leases = await Promise.allSettled([database.acquire(), database.acquire()])
    for (const lease of leases) if (lease.status === 'fulfilled') lease.value.release()
    expect(leases.every(({ status }) => status === 'fulfilled')).toBe(true)
  })
  const held = gate()
  let holding = 0
  const holders = [1, 2].map(() =>
    run(async (ctx) => {
      await ctx.tools.count('events')
      holding += 1
      await held.opened
      return ok('held')
    }, of),
  )
  await vi.waitFor(() => expect(holding).toBe(2))
  return {
    async release() {
      held.open()
      expect(await Promise.all(holders)).toEqual([ok('held'), ok('held')])
    },
  }
}

it('a pool that is taken is SERVICE_UNAVAILABLE after the acquire timeout, and serves again afterwards', async () => {
  const taken = await exhaust(impatient)
  const recordId = randomUUID()
  const waiting = Array.from({ length: 5 }, () =>
    run((ctx) => ctx.tools.create('events', eventData(), recordId), impatient),
  )
  for (const outcome of await Promise.all(waiting)) expect(outcome).toMatchObject(unavailable)
  await taken.release()
  expect(await impatient.event(recordId)).toBeUndefined()
  expect(await run((ctx) => ctx.tools.count('events'), impatient)).toMatchObject({ success: true })
})

it('an action that hides that it got no connection does not succeed', async () => {
  const taken = await exhaust(impatient)
  const outcome = await run(
    (ctx) =>
      ctx.tools.sql(async (database) => {
        await database.execute("update events set title = 'x'").catch(() => {})
        return 'hidden'
      }),
    impatient,
  )
  expect(outcome).toMatchObject(unavailable)
  await taken.release()
})

it('a call waits for a connection for a while, and gets it', async () => {
  const taken = await exhaust()
  const waiting = run((ctx) => ctx.tools.count('events'))
  await taken.release()
  expect(await waiting).toMatchObject({ success: true })
})

it('a suspended run that waited for a connection leaves the queue, and takes nothing with it', async () => {
  const taken = await exhaust()
  let done = 0
  const waiting = run(async (ctx) => {
    const [events, answer] = await Promise.all([
      ctx.tools.count('events'),
      // The step comes when the read waits already. It is no paid call: that would ask the ledger first.
      Promise.resolve().then(() => ctx.tools.once('beside', () => (done += 1))),
    ])
    return ok([ctx.attempt, events.success, answer.success])
  })
  await vi.waitFor(() => expect(done).toBe(1))
  await taken.release()
  expect(await waiting).toEqual(ok([2, true, true]))
  expect(done).toBe(1)
  const leases = await Promise.all([probe.app.database.acquire(), probe.app.database.acquire()])
  for (const lease of leases) lease.release()
})

it('no more connections are made than the pool may have', async () => {
  await Promise.all(Array.from({ length: 40 }, () => run((ctx) => ctx.tools.count('events'))))
  expect(await admin.connections()).toBeLessThanOrEqual(2)
})
