// Limits of docs/limits.md that no other test is about.
// limits.md: lists, jobs, job-input, job-delay, job-attempts, conflicts, cursor, keep-alive, connections
// limits.md: answer, token, issues, client-retries, pool-waiting, page-wait

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ActionResult, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createClient } from '../../client/core/index.ts'
import { type Session, SqlError } from '../../server/db/database.ts'
import { Pool } from '../../server/db/pool.ts'
import { PageSlots } from '../../server/http/held-bytes.ts'
import { listen } from '../../server/lifecycle/listen.ts'
import { type ActionContext, action, internalAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

type Handler = (ctx: ActionContext) => Promise<ActionResult<unknown>>
let handler: Handler = async () => ok({})
let conflicts = 0
const work = internalAction
  .input(z.strictObject({ text: z.string().optional() }))
  .mutation(async () => ok({}))
const actions = {
  work,
  act: action.input(z.strictObject({})).mutation(({ ctx }) => handler(ctx)),
  list: action.input(z.strictObject({ texts: z.array(z.string()) })).mutation(async () => ok({})),
}

let app: Awaited<ReturnType<typeof openApp>>
const openApp = () =>
  createTestApp<typeof actions>({
    actions,
    failpoint(name) {
      if (name !== 'before-commit' || conflicts === 0) return
      conflicts -= 1
      throw new SqlError({ sqlstate: '40001' })
    },
  })
beforeAll(async () => {
  app = await openApp()
})
afterAll(() => app[Symbol.asyncDispose]())

async function run(given: Handler) {
  handler = given
  return (await app.as('ada')).actions.act({})
}

describe('lists', () => {
  it.each(['audit', 'credits/statement', 'credits/balances', 'credits/budgets', 'jobs', 'outbox'])(
    '%s gives 50 entries, up to 200 where a limit says so, and refuses 201',
    async (list) => {
      const url = await app.listen()
      const headers = { authorization: `Bearer ${await app.token('owner')}` }
      expect((await fetch(`${url}/api/${list}?limit=200`, { headers })).status).toBe(200)
      expect((await fetch(`${url}/api/${list}?limit=201`, { headers })).status).toBe(400)
    },
  )

  it('refuse a cursor that is longer than any of ours', async () => {
    const owner = await app.as('owner')
    const cursor = 'A'.repeat(8_193)
    expect(await owner.audit.list({ cursor })).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  })
})

describe('a job', () => {
  it.each<[string, object, boolean]>([
    ['due in ten years', { delayMs: 316_224_000_000 }, true],
    ['due later', { delayMs: 316_224_000_001 }, false],
    ['tried 100 times', { attempts: 100 }, true],
    ['tried more often', { attempts: 101 }, false],
  ])('%s is taken: %2$s', async (_what, options, isTaken) => {
    const { success } = await run((ctx) => ctx.tools.later(work, {}, options))
    expect(success).toBe(isTaken)
  })

  it('is tried five times where it says nothing', async () => {
    const queued = await run((ctx) => ctx.tools.later(work, {}, { delayMs: 86_400_000, key: 'tried' }))
    expect(queued.success).toBe(true)
    const { rows } = await app.database.query({
      sql: "select max_attempts from deputy.queue where key = 'tried'",
      params: [],
    })
    expect(rows).toEqual([[5]])
  })

  it('has an input of 262 144 characters at most', async () => {
    const textOf = (characters: number) => 'x'.repeat(characters)
    expect((await run((ctx) => ctx.tools.later(work, { text: textOf(262_000) }))).success).toBe(true)
    const refused = await run((ctx) => ctx.tools.later(work, { text: textOf(262_145) }))
    expect([refused.success, 'error' in refused && refused.error]).toEqual([
      false,
      expect.stringContaining('262144'),
    ])
  })

  it('is one of 1000 that a call may queue', async () => {
    const queue =
      (jobs: number): Handler =>
      async (ctx) => {
        for (let nth = 0; nth < jobs; nth += 1) {
          const queued = await ctx.tools.later(work, {})
          if (!queued.success) return queued
        }
        return ok({})
      }
    expect(await run(queue(1_001))).toMatchObject({ success: false, code: 'PRECONDITION_FAILED' })
    expect((await run(queue(1_000))).success).toBe(true)
  })
})

describe('a call', () => {
  it('is run again 25 times at most', async () => {
    conflicts = 24
    expect((await run((ctx) => ctx.tools.later(work, {}))).success).toBe(true)
    conflicts = 25
    expect(await run((ctx) => ctx.tools.later(work, {}))).toMatchObject({
      code: 'CONFLICT',
      details: { retryAfterSeconds: 1 },
    })
    expect(conflicts).toBe(0)
  })
})

describe('an answer', () => {
  it('has 8 388 608 characters at most, and nothing is kept of a call with more', async () => {
    const answering =
      (characters: number): Handler =>
      async (ctx) => {
        await ctx.tools.later(work, {}, { key: `answered-${characters}`, delayMs: 86_400_000 })
        return ok({ text: 'x'.repeat(characters) })
      }
    expect((await run(answering(8_000_000))).success).toBe(true)
    expect(await run(answering(8_388_608))).toMatchObject({ success: false, code: 'PAYLOAD_TOO_LARGE' })
    const { rows } = await app.database.query({
      sql: "select key from deputy.queue where key like 'answered-%'",
      params: [],
    })
    expect(rows).toEqual([['answered-8000000']])
  })
})

describe('a token', () => {
  it('of more than 16 KiB is refused, and one of less is not', async () => {
    const as = (characters: number) => app.as('ada', { padding: 'x'.repeat(characters) })
    handler = async () => ok({})
    expect((await (await as(10_000)).actions.act({})).success).toBe(true)
    await expect((await as(16_384)).actions.act({})).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })
})

describe('an input', () => {
  it('is refused with 20 issues at most', async () => {
    const ada = await app.as('ada')
    const refused = await ada.actions
      .list({ texts: Array.from({ length: 30 }, () => 5) as unknown as string[] })
      .catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'BAD_REQUEST', cause: { issues: { length: 20 } } })
  })
})

describe('a client', () => {
  it('repeats a call 100 times at most', () => {
    const create = (attempts: number) => () =>
      createClient({ url: 'http://127.0.0.1:1', retries: { attempts } })
    expect(create(100)).not.toThrow()
    expect(create(101)).toThrow(RangeError)
  })
})

describe('the pool of connections', () => {
  it('lets 1000 calls wait', async () => {
    const session = {
      broken: false,
      isWorn: false,
      clean: () => {},
      close: async () => {},
    } as unknown as Session
    const pool = new Pool({ connect: () => session, max: 1, acquireTimeoutMs: 60_000 })
    await pool.acquire()
    const waiting = Array.from({ length: 1_000 }, () => pool.acquire().catch(() => 'closed'))
    await expect(pool.acquire()).rejects.toThrow('1000 calls wait for a database connection already')
    await pool.close()
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['closed']))
  })
})

describe('a read that waits for room', () => {
  it('waits for 10 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const slots = new PageSlots(1)
      await slots.take(1)
      let outcome: unknown = 'waits'
      void slots.take(1).then((release) => {
        outcome = release
      })
      await vi.advanceTimersByTimeAsync(9_999)
      expect(outcome).toBe('waits')
      await vi.advanceTimersByTimeAsync(1)
      expect(outcome).toBeUndefined()
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('connections', () => {
  it('are kept for 65 s without a request', async () => {
    const answer = await fetch(`${await app.listen()}/healthz`)
    expect(answer.headers.get('keep-alive')).toBe('timeout=65')
    await answer.body?.cancel()
  })

  it('beyond the most are closed at once', async () => {
    const most = 3
    const server = await listen({ http: app.http, host: '127.0.0.1', port: 0, maxConnections: most })
    const { hostname, port } = new URL(server.url)
    const sockets: Socket[] = []
    const open = async () => {
      const socket = connect(Number(port), hostname).on('error', () => {})
      sockets.push(socket)
      await once(socket, 'connect')
      return socket.resume()
    }
    try {
      for (let opened = 0; opened < most; opened += 1) await open()
      const refused = await open()
      await once(refused, 'close')
      expect(sockets.map((socket) => socket.destroyed)).toEqual([false, false, false, true])
    } finally {
      for (const socket of sockets) socket.destroy()
      await server.close(1_000)
    }
  })
})
