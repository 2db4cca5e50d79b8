import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { createProbe, type Probe } from '../invocation/probe.ts'
import { type Admin, connectAsAdmin } from './admin.ts'

const CALLERS = 64
const CALLS = 300

let probe: Probe
let admin: Admin
let databases: Database[]
beforeAll(async () => {
  probe = await createProbe()
  admin = connectAsAdmin(probe)
  databases = [1, 2, 3].map(() => openPostgres({ url: admin.url }))
})
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()))
  await admin[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

it('64 callers of three servers on one record see no conflict and lose no update', async () => {
  const servers = databases.map((database) => probe.serveOn(database))
  const eventId = await probe.newEvent()
  const failures: unknown[] = []
  let attempts = 0
  let next = 0
  const caller = async (_: unknown, n: number) => {
    const server = servers[n % servers.length]
    while (next < CALLS) {
      next += 1
      const answer = await server?.run(async (ctx) => {
        const event = await ctx.tools.get('events', eventId)
        if (!event.success) return event
        const { attendeeCount } = event.data.record.data
        const saved = await ctx.tools.update('events', eventId, { attendeeCount: attendeeCount + 1 })
        return saved.success ? ok(ctx.attempt) : saved
      })
      if (answer?.success) attempts += Number(answer.data)
      else failures.push(answer)
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  expect(failures).toEqual([])
  expect(await probe.event(eventId)).toMatchObject({ attendeeCount: next })
  console.info(`three servers, one record: ${(attempts / next).toFixed(2)} attempts a call`)
  expect(await locksHeld()).toBe(0)
})

it('a turn that belongs to a server which died is given to the next', async () => {
  const eventId = await probe.newEvent()
  const [server] = databases.map((database) => probe.serveOn(database))
  // Another server holds the turn on this record, and then is gone.
  const other = await admin.sql.reserve()
  await other`select pg_advisory_lock(hashtextextended(${`events/${eventId}`}, 0))`
  const [{ pid } = { pid: 0 }] = await other<{ pid: number }[]>`select pg_backend_pid() as pid`
  let runs = 0
  const call = server?.run(async (ctx) => {
    runs += 1
    const event = await ctx.tools.get('events', eventId)
    if (!event.success) return event
    // The first run loses to a write from elsewhere, and so takes turns from then on.
    if (runs === 1) await probe.run((outer) => outer.tools.update('events', eventId, { title: 'elsewhere' }))
    return ctx.tools.update('events', eventId, { title: 'here' })
  })
  await expect.poll(waiting).toBe(1)
  await admin.sql`select pg_terminate_backend(${pid})`
  expect(await call).toMatchObject({ success: true })
  expect(await probe.event(eventId)).toMatchObject({ title: 'here' })
  expect(await locksHeld()).toBe(0)
})

async function locksHeld(): Promise<number> {
  const [row] = await admin.sql<{ count: number }[]>`
    select count(*)::int from pg_locks where locktype = 'advisory' and database = (
      select oid from pg_database where datname = current_database())`
  return row?.count ?? -1
}

async function waiting(): Promise<number> {
  const [row] = await admin.sql<{ count: number }[]>`
    select count(*)::int from pg_locks where locktype = 'advisory' and not granted and database = (
      select oid from pg_database where datname = current_database())`
  return row?.count ?? -1
}
