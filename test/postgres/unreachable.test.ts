import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openPostgres } from '../../server/db/postgres.ts'
import { createProbe, eventData, gate, type Handler, type Probe } from '../invocation/probe.ts'
import { type Admin, connectAsAdmin } from './admin.ts'
import { startTcpProxy } from './tcp-proxy.ts'

const unavailable = { success: false, code: 'SERVICE_UNAVAILABLE' }
const count: Handler = (ctx) => ctx.tools.count('events')

let probe: Probe
let admin: Admin
beforeAll(async () => {
  probe = await createProbe()
  admin = connectAsAdmin(probe)
})
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

/** A server whose way to the database can be cut. What is answered may take as long as a test does. */
async function behindProxy({ answerTimeoutMs = 60_000 } = {}) {
  const proxy = await startTcpProxy(admin.url)
  const database = openPostgres({
    url: proxy.url,
    max: 2,
    acquireTimeoutMs: 60_000,
    answerTimeoutMs,
  })
  return {
    proxy,
    database,
    ...probe.serveOn(database),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await database.close()
    },
  }
}

describe('a database that cannot be reached', () => {
  it('because nobody listens: 503, not ready, and recovery unaided', async () => {
    await using server = await behindProxy()
    expect(await server.run(count)).toMatchObject({ success: true })
    await server.proxy.close()
    expect(await Promise.all([server.run(count), server.run(count), server.run(count)])).toMatchObject([
      unavailable,
      unavailable,
      unavailable,
    ])
    expect(await server.database.ping(1_000)).toBe(false)
    await server.proxy.reopen()
    expect(await server.run(count)).toMatchObject({ success: true })
    expect(await server.database.ping(60_000)).toBe(true)
  })

  it('leaves the audit rows of calls that failed once it is back, and answers do not wait for them', async () => {
    await using server = await behindProxy()
    const rows = async () => {
      const { rows } = await probe.app.database.query({
        sql: "select count(*)::int from deputy.audit_log where outcome = 'SERVICE_UNAVAILABLE'",
        params: [],
      })
      return rows[0]?.[0]
    }
    await server.proxy.close()
    const before = Number(await rows())
    for (const _call of [1, 2, 3]) expect(await server.run(count)).toMatchObject(unavailable)
    expect(await rows()).toBe(before)
    await server.proxy.reopen()
    await vi.waitFor(async () => expect(await rows()).toBe(before + 3))
  })

  it('because it hangs up on every connection: 503, each connection tried once, and recovery', async () => {
    await using server = await behindProxy()
    server.proxy.set('refuse')
    const outcome = server.run(async (ctx) => {
      await Promise.all([ctx.tools.count('events'), ctx.tools.create('events', eventData())])
      return ok('went on')
    })
    expect(await outcome).toMatchObject(unavailable)
    expect(server.proxy.accepted()).toBe(1)
    server.proxy.set('pass')
    expect(await server.run(count)).toMatchObject({ success: true })
  })

  it('because it went away with many statements queued: no connection is made to send them on', async () => {
    await using server = await behindProxy()
    const outcome = await server.run(async (ctx) => {
      await ctx.tools.count('events')
      const queued = Array.from({ length: 150 }, () => ctx.tools.create('events', eventData('queued')))
      server.proxy.cut()
      await Promise.all(queued)
      return ok('went on')
    })
    expect(outcome).toMatchObject(unavailable)
    expect(server.proxy.accepted()).toBe(1)
    expect(await server.run(count)).toMatchObject({ success: true })
    expect(server.proxy.accepted()).toBe(2)
  })

  it('because it has too many connections: 503, and recovery', async () => {
    const role = `crowded_${randomUUID().slice(0, 8)}`
    await admin.sql.unsafe(`create role ${role} login connection limit 0; grant select on events to ${role}`)
    const url = new URL(admin.url)
    url.username = role
    const database = openPostgres({ url: url.href, max: 1 })
    const { run } = probe.serveOn(database)
    expect(await run(count)).toMatchObject(unavailable)
    await admin.sql.unsafe(`alter role ${role} connection limit 5`)
    expect(await run(count)).toMatchObject({ success: true })
    await database.close()
    await admin.sql.unsafe(`drop owned by ${role}; drop role ${role}`)
  })
})

describe('a network that swallows everything', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  /** A server that has its connections. */
  async function connected() {
    const server = await behindProxy()
    const leases = await Promise.all([server.database.acquire(), server.database.acquire()])
    for (const lease of leases) lease.release()
    const swallowed = gate()
    return {
      ...server,
      /** From now on nothing is carried on, and time stands. */
      swallow() {
        server.proxy.set('swallow')
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
        swallowed.open()
      },
      /** Lets time pass, once all is swallowed, until it has been waited for long enough. */
      async givenUp<T>(outcome: Promise<T>): Promise<T> {
        let isOver = false
        void outcome.then(() => {
          isOver = true
        })
        await Promise.race([swallowed.opened, outcome])
        for (let second = 0; second < 600 && !isOver; second += 1)
          if (vi.isFakeTimers()) await vi.advanceTimersByTimeAsync(1_000)
        vi.useRealTimers()
        server.proxy.set('pass')
        return outcome
      },
    }
  }

  it('during COMMIT: the answer is that the outcome is unknown, and the connection is given up', async () => {
    await using server = await connected()
    const recordId = randomUUID()
    const outcome = server.run(async (ctx) => {
      await ctx.tools.create('events', eventData(), recordId)
      server.swallow()
      return ok('written')
    })
    expect(await server.givenUp(outcome)).toMatchObject({ ...unavailable, details: { outcome: 'unknown' } })
    expect(await probe.event(recordId)).toBeUndefined()
    expect(await Promise.all([server.run(count), server.run(count)])).toMatchObject([
      { success: true },
      { success: true },
    ])
  })

  it('during ROLLBACK: the answer is the action’s own, and the connection is given up', async () => {
    await using server = await connected()
    const outcome = server.run(async (ctx) => {
      await ctx.tools.create('events', eventData())
      server.swallow()
      return fail('CONFLICT', 'No.')
    })
    expect(await server.givenUp(outcome)).toEqual(fail('CONFLICT', 'No.'))
    expect(await Promise.all([server.run(count), server.run(count)])).toMatchObject([
      { success: true },
      { success: true },
    ])
  })

  it('during a statement: the deadline answers, and the connections are given up', async () => {
    await using server = await behindProxy({ answerTimeoutMs: 500 })
    const stuck: Handler = async (ctx) => {
      await ctx.tools.count('events')
      server.proxy.set('swallow')
      return ctx.tools.count('events')
    }
    const outcomes = await Promise.all([server.runBriefly(stuck), server.runBriefly(stuck)])
    for (const outcome of outcomes)
      expect(outcome.success ? 'none' : outcome.code).toMatch(/TIMEOUT|UNAVAILABLE/)
    server.proxy.set('pass')
    await vi.waitFor(async () => expect(await server.run(count)).toMatchObject({ success: true }))
  })

  it('during a statement without a transaction: it fails, and the connections are given up', async () => {
    await using server = await connected()
    const read = () => server.database.query({ sql: 'select 1', params: [] })
    server.swallow()
    expect(await server.givenUp(Promise.allSettled([read(), read()]))).toMatchObject([
      { status: 'rejected', reason: { name: 'ConnectionLost' } },
      { status: 'rejected', reason: { name: 'ConnectionLost' } },
    ])
    expect((await read()).rows).toEqual([[1]])
  })
})
