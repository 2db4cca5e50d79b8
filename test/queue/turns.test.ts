import type { ServerResponse } from 'node:http'
import { ok } from 'deputyjs'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { claimWork, MAX_OF_CALLER, MAX_OF_INTEGRATION, MAX_OF_LANE } from '../../server/queue/claim.ts'
import { openPost, type Post } from './post.ts'

// limits.md: lanes

let post: Post
const held: ServerResponse[] = []
beforeAll(async () => {
  post = await openPost({ isOwnerUnmetered: true })
})
afterAll(() => post[Symbol.asyncDispose]())
afterEach(async () => {
  for (const response of held.splice(0)) response.destroy()
  await post.stopSending()
  await post.change('truncate deputy.queue, deputy.credit_holds')
  post.provider.received.splice(0)
})

const hang = (path: string) => post.provider.onPath(path, (_received, response) => void held.push(response))
const answered = (path: string) =>
  post.provider.onPath(path, (_received, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  )

/** Queues so many messages to each endpoint, in this order. */
const queue = (...counts: readonly (readonly [endpoint: string, count: number])[]) =>
  post.act(async (ctx) => {
    for (const [endpoint, count] of counts) {
      for (let nth = 0; nth < count; nth += 1) {
        const queued = await ctx.tools.enqueue(endpoint, { to: `${endpoint} ${nth}` })
        if (!queued.success) return queued
      }
    }
    return ok(null)
  }, 'owner')

/** Queues messages as calls of someone have queued them, so many milliseconds after all others. */
const queueFor = (caller: string | null, count: number, afterMs = 0) =>
  post.app.database.write({
    sql: `insert into deputy.queue (id, kind, lane, data, payer, caller, action, invocation, max_attempts, due_at)
      select coalesce($1, 'app') || n, 'message', 'mail/send', '{}', 'owner', $1, 'act', 'act', 5,
        now() - interval '1 second' + $3::int * interval '1 millisecond'
      from generate_series(1, $2::int) as n`,
    params: [caller, count, afterMs],
  })

describe('a provider that hangs', () => {
  it('holds up nobody else, and no more of its own than its room', async () => {
    hang('/mail')
    answered('/sms')
    answered('/other')
    expect(await queue(['mail/send', 100], ['sms/send', 30], ['mail/other', 30])).toMatchObject({
      success: true,
    })
    post.startSending()
    await vi.waitFor(() => expect(post.received('/sms')).toHaveLength(30))
    await vi.waitFor(() => expect(post.received('/other')).toHaveLength(30))
    await vi.waitFor(() => expect(held).toHaveLength(MAX_OF_CALLER))
    await vi.waitFor(async () => expect(await post.count('queued')).toBe(100))
    expect(post.received('/mail')).toHaveLength(MAX_OF_CALLER)
  })

  it('at all its endpoints leaves room to other integrations, and no more is taken than there is', async () => {
    for (const path of ['/mail', '/other', '/third']) hang(path)
    answered('/sms')
    await queue(['mail/send', 20], ['mail/other', 20], ['mail/third', 20], ['sms/send', 20])
    post.startSending()
    await vi.waitFor(() => expect(post.received('/sms')).toHaveLength(20))
    const paths = ['/mail', '/other', '/third'] as const
    await vi.waitFor(() => expect(held).toHaveLength(MAX_OF_INTEGRATION))
    for (const path of paths) expect(post.received(path).length).toBeGreaterThan(2)
  })

  it('is sent the rest when it has come back', async () => {
    hang('/mail')
    await queue(['mail/send', 20])
    post.startSending()
    await vi.waitFor(() => expect(held).toHaveLength(MAX_OF_CALLER))
    answered('/mail')
    for (const response of held.splice(0))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    await vi.waitFor(async () => expect(await post.count('queued')).toBe(0))
    expect(post.received('/mail')).toHaveLength(20)
  })
})

describe('taking messages', () => {
  const take = async (limit: number, more: object = {}) => {
    const taken = await claimWork(post.app.database, { token: 'a', leaseMs: 60_000, limit, ...more })
    const counts = new Map<string, number>()
    for (const { lane } of taken) counts.set(lane, (counts.get(lane) ?? 0) + 1)
    return Object.fromEntries(counts)
  }

  it('gives endpoints their turns, whoever came first', async () => {
    await queue(['mail/send', 10], ['mail/other', 10], ['sms/send', 10])
    expect(await take(6)).toEqual({ 'mail/send': 2, 'mail/other': 2, 'sms/send': 2 })
  })

  it('passes over who has no room, and takes no message twice', async () => {
    await queue(['mail/send', 12], ['mail/other', 12], ['sms/send', 12])
    const busy = { byLane: { 'mail/send': 8, 'sms/send': 5 }, byGroup: { mail: 13, sms: 5 } }
    expect(await take(64, busy)).toEqual({ 'mail/other': 3, 'sms/send': 3 })
    expect(await take(64)).toEqual({ 'mail/send': 6, 'mail/other': 6, 'sms/send': 6 })
    expect(await take(64)).toEqual({ 'mail/send': 6, 'mail/other': 3, 'sms/send': 3 })
    expect(await take(64)).toEqual({})
  })

  it('finds the only message of one endpoint behind many of another', async () => {
    await queue(['mail/send', 300], ['sms/send', 1])
    expect(await take(7)).toEqual({ 'mail/send': 6, 'sms/send': 1 })
  })

  it('leaves room in a lane to other callers, who take turns, whoever came first', async () => {
    await queueFor('flood', 300)
    for (const [nth, caller] of ['ada', 'bob', 'cy'].entries()) await queueFor(caller, 2, nth + 1)
    const callers = async (limit: number, more: object = {}) => {
      const taken = await claimWork(post.app.database, { token: 'a', leaseMs: 60_000, limit, ...more })
      return taken.map(({ caller }) => caller).sort()
    }
    expect(await callers(3)).toEqual(['ada', 'bob', 'flood'])
    expect(await callers(64)).toEqual(['ada', 'bob', 'cy', 'cy', 'flood', 'flood', 'flood', 'flood'])
    expect(await callers(64)).toEqual(Array(MAX_OF_CALLER).fill('flood'))
    const [, group] = (
      await post.app.database.query({
        sql: `select caller, caller_group from deputy.queue where caller = 'flood' limit 1`,
        params: [],
      })
    ).rows[0] ?? ['', '']
    expect(await callers(64, { byCallers: { [`mail/send ${group}`]: MAX_OF_CALLER } })).toEqual([])
    expect(await callers(64, { byCallers: { [`mail/send ${group}`]: 4 } })).toEqual(['flood', 'flood'])
  })

  it('has all of a lane for what no caller has queued', async () => {
    await queueFor(null, 20)
    expect(await take(64)).toEqual({ 'mail/send': MAX_OF_LANE })
  })
})
