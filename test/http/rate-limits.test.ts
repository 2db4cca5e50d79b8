import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fail, ok } from 'deputyjs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseRange } from '../../server/auth/client-address.ts'
import { HTTP_STATUS, isErrorCode } from '../../server/core/errors.ts'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { action } from '../fixture/deputy.ts'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { createTestApp } from '../support/test-app.ts'
import { post } from './send.ts'

// limits.md: user, anonymous, failing, integrations

const PLACE = JSON.stringify({ latitude: 52.5, longitude: 13.4 })
const SUNNY = { current: { time: '2030-01-01T18:00', temperature_2m: 21, wind_speed_10m: 7 } }
const loopback = ['127.0.0.0/8', '::1'].map(parseRange).filter((range) => range !== undefined)
const LIMITS = readFileSync('docs/limits.md', 'utf8')
const nothing = z.strictObject({})

const actions = {
  failAs: action
    .input(z.strictObject({ code: z.string() }))
    .mutation(async ({ input: { code } }) =>
      fail(isErrorCode(code) ? code : 'BAD_REQUEST', 'It was asked to.'),
    ),
  free: action.input(nothing).mutation(async () => ok({})),
  dear: action
    .input(nothing)
    .meta({ limit: { rate: 2, per: 'minute' } })
    .mutation(async () => ok({})),
  byAddress: action
    .input(nothing)
    .meta({ limit: { rate: 2, per: 'hour', by: 'address' } })
    .query(async () => ok({})),
  heavy: action
    .input(nothing)
    .meta({ limit: { weight: 4 } })
    .mutation(async () => ok({})),
}

let upstream: Upstream
/** The clock stands, but for what a test moves it. */
let nowMs = Date.now()
const createApp = (options = {}) =>
  createTestApp<typeof actions>({
    actions,
    apiWorkerUrl: upstream.url,
    trustedProxies: loopback,
    rateLimits: { user: 10, anonymous: 5, failing: 4, integrations: 3 },
    clock: () => new Date(nowMs),
    clockOffsetMs: () => nowMs - Date.now(),
    ...options,
  })
let app: Awaited<ReturnType<typeof createApp>>
let url: string
beforeAll(async () => {
  upstream = await startUpstream()
  upstream.on('weather/forecast', (_received, response) =>
    json(response, 200, { success: true, data: SUNNY }),
  )
  app = await createApp()
  url = await app.listen()
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})
// Every test has an hour of its own.
beforeEach(() => {
  nowMs += 3_600_000
})

interface Sent {
  readonly from?: string
  readonly as?: string
  readonly body?: string
  readonly key?: string
}

async function send(path: string, { from, as, body = '{}', key }: Sent = {}) {
  const headers = {
    ...(from === undefined ? {} : { 'x-forwarded-for': from }),
    ...(key === undefined ? {} : { 'idempotency-key': key }),
  }
  const token = as === undefined ? undefined : await app.token(as)
  return post(`${url}${path}`, { headers, token, body })
}

const times = <T>(calls: number, call: (nth: number) => Promise<T>) =>
  Promise.all(Array.from({ length: calls }, (_, nth) => call(nth)))

const statuses = (answers: readonly { readonly status: number }[]) =>
  answers.map(({ status }) => status).sort()

const refusedOf = (calls: number, taken: number) => [
  ...Array(taken).fill(200),
  ...Array(calls - taken).fill(429),
]

const weather = (from: string, as?: string) =>
  send('/api/integrations/weather/forecast', { from, ...(as === undefined ? {} : { as }), body: PLACE })

async function batch(path: string, input: unknown, count: number, as?: string) {
  const body = JSON.stringify(
    Object.fromEntries(Array.from({ length: count }, (_, nth) => [nth, { json: input }])),
  )
  const answer = await send(`/trpc/${Array(count).fill(path).join()}?batch=1`, {
    from: '203.0.113.250',
    body,
    ...(as === undefined ? {} : { as }),
  })
  const members = JSON.parse(answer.text) as { error?: { json: { data: { httpStatus: number } } } }[]
  return { answer, members: members.map(({ error }) => error?.json.data.httpStatus ?? 200).sort() }
}

describe('the calls of a user', () => {
  it('pass as far as the limit goes, from whatever address and however they are sent', async () => {
    const ada = randomUUID()
    const answers = await times(20, (nth) => send('/api/actions/free', { from: `203.0.113.${nth}`, as: ada }))
    expect(statuses(answers)).toEqual(refusedOf(20, 10))
    expect((await send('/api/records/events/any', { as: ada })).status).toBe(405)
    const records = await fetch(`${url}/api/records/events`, {
      headers: { authorization: `Bearer ${await app.token(ada)}` },
    })
    expect(records.status).toBe(429)
    const caller = app.createCaller({ token: await app.token(ada) })
    await expect(caller.actions.free({})).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' })
  })

  it('cost no one else anything who is at the same address', async () => {
    const from = '198.51.100.1'
    const flood = randomUUID()
    await times(20, () => send('/api/actions/free', { from, as: flood }))
    await times(20, () => fetch(`${url}/api/records/events`, { headers: { 'x-forwarded-for': from } }))
    expect((await send('/api/actions/free', { from, as: randomUUID() })).status).toBe(200)
  })

  it('count one by one in a batch', async () => {
    const { members, answer } = await batch('actions.free', {}, 10, randomUUID())
    expect(members).toEqual(Array(10).fill(200))
    expect(answer.headers.get('ratelimit')).toBe('"user";r=0;t=60')
    const again = await batch('actions.dear', {}, 3, randomUUID())
    expect(again.members).toEqual([200, 200, 429])
    expect(again.answer.headers.get('retry-after')).toBe('30')
    expect(again.answer.headers.get('ratelimit')).toBe('"actions.dear";r=0;t=30')
    expect(again.answer.headers.get('ratelimit-policy')).toBe('"actions.dear";q=2;w=60')
  })

  it('count for what their action says', async () => {
    const ada = randomUUID()
    const answers = [
      await send('/api/actions/heavy', { as: ada }),
      await send('/api/actions/heavy', { as: ada }),
    ]
    expect(statuses(answers)).toEqual([200, 200])
    expect(answers[1]?.headers.get('ratelimit')).toBe('"user";r=2;t=48')
    const refused = await send('/api/actions/heavy', { as: ada })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '12'])
    expect((await send('/api/actions/free', { as: ada })).status).toBe(200)
  })

  it('say when the next is taken, and it is', async () => {
    const ada = randomUUID()
    await times(10, () => send('/api/actions/free', { as: ada }))
    const refused = await send('/api/actions/free', { as: ada })
    expect(refused.json).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      error: 'Too many calls, at most 10 in 60 s are taken; try again in 6 s.',
      details: {
        limit: 10,
        remaining: 0,
        resetAt: expect.stringMatching(/^\d{4}-.*Z$/),
        retryAfterSeconds: 6,
      },
    })
    expect(refused.headers.get('retry-after')).toBe('6')
    nowMs += 3_000
    expect((await send('/api/actions/free', { as: ada })).status).toBe(429)
    nowMs += 3_000
    expect((await send('/api/actions/free', { as: ada })).status).toBe(200)
    expect((await send('/api/actions/free', { as: ada })).status).toBe(429)
  })

  it.each(['free', 'failing'])(
    'are refused more and more slowly, and no one else waits: %s',
    async (kind) => {
      // What is held is held for longer than the test takes.
      await using slow = await createApp({
        refusalPace: { ofOne: { burst: 20, perSecond: 1 }, maxDelayMs: 60_000 },
      })
      const slowUrl = await slow.listen()
      const [ada, bob] = [await slow.token(randomUUID()), await slow.token(randomUUID())]
      const over = new AbortController()
      const call = async (token: string, body = '{}') => {
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
        const init = { method: 'POST', headers, body, signal: over.signal }
        return (await fetch(`${slowUrl}/api/actions/free`, init)).status
      }
      const body = kind === 'free' ? '{}' : '{"no":1}'
      await times(10, () => call(ada, body))
      const answered: number[] = []
      const flood = times(110, () => call(ada, body).then((status) => answered.push(status)))
      await expect.poll(() => answered.length).toBeGreaterThan(0)
      expect(await call(bob)).toBe(200)
      // 20 at once, and one in a second after them.
      expect(answered.length).toBeLessThan(110)
      expect(new Set(answered)).toEqual(new Set([429]))
      over.abort()
      await expect(flood).rejects.toThrow('aborted')
    },
  )

  it('are counted before they are read, and after the gate', async () => {
    const ada = randomUUID()
    await times(2, () => send('/api/actions/dear', { as: ada }))
    expect((await send('/api/actions/dear', { as: ada, body: '{"no":1}' })).status).toBe(429)
    expect((await send('/api/actions/dear', { as: 'no.such' })).status).toBe(200)
  })

  it('have the limit of their action by user, or by address whoever calls', async () => {
    const [ada, eve] = [randomUUID(), randomUUID()]
    expect(statuses(await times(4, () => send('/api/actions/dear', { as: ada })))).toEqual(refusedOf(4, 2))
    expect(statuses(await times(4, () => send('/api/actions/dear', { as: eve })))).toEqual(refusedOf(4, 2))
    const from = '198.51.100.77'
    expect(
      statuses(
        await times(4, (nth) => send('/api/actions/byAddress', { from, as: nth % 2 === 0 ? ada : eve })),
      ),
    ).toEqual(refusedOf(4, 2))
    expect((await send('/api/actions/byAddress', { from: '198.51.100.78', as: ada })).status).toBe(200)
  })

  it('are not limited where the owner makes them, or the app', async () => {
    expect(statuses(await times(12, () => send('/api/actions/dear', { as: 'owner' })))).toEqual(
      Array(12).fill(200),
    )
  })
})

describe('a replay', () => {
  it('is given back what it took, as often as calls may be made', async () => {
    const ada = randomUUID()
    const key = randomUUID()
    expect((await send('/api/actions/dear', { as: ada, key })).status).toBe(200)
    const replays: number[] = []
    for (let nth = 0; nth < 5; nth += 1)
      replays.push((await send('/api/actions/dear', { as: ada, key })).status)
    // Two were given back; the third took what was left.
    expect(replays).toEqual([200, 200, 200, 429, 429])
  })
})

describe('calls that fail', () => {
  it('are refused once there were too many, also those that would have succeeded', async () => {
    const ada = randomUUID()
    const failing = await times(4, () => send('/api/actions/free', { as: ada, body: '{"no":1}' }))
    expect(statuses(failing)).toEqual(Array(4).fill(400))
    const refused = await send('/api/actions/free', { as: ada })
    expect(refused.json).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      details: { limit: 4, retryAfterSeconds: 15 },
    })
    expect(refused.headers.get('ratelimit')).toBe('"failing";r=0;t=15')
    expect((await send('/api/actions/free', { as: randomUUID() })).status).toBe(200)
    nowMs += 15_000
    expect((await send('/api/actions/free', { as: ada })).status).toBe(200)
  })

  it.each(Object.entries(HTTP_STATUS))('with %s count where docs/limits.md says %i', async (code, status) => {
    const ada = randomUUID()
    for (let nth = 0; nth < 4; nth += 1)
      await send('/api/actions/failAs', { as: ada, body: JSON.stringify({ code }) })
    const isRefused = (await send('/api/actions/free', { as: ada })).status === 429
    const [, counting] = /when the caller could have known better: with ([\d, and]+),/.exec(LIMITS) ?? []
    expect(isRefused).toBe(counting?.match(/\d+/g)?.includes(String(status)))
  })

  it('do not count where the server asks to come again, or refuses one too many', async () => {
    const ada = randomUUID()
    await times(14, () => send('/api/actions/dear', { as: ada }))
    nowMs += 60_000
    expect((await send('/api/actions/dear', { as: ada })).status).toBe(200)
  })
})

describe('the calls of strangers', () => {
  it('count by address, and a /64 of IPv6 together', async () => {
    const read = (from: string) =>
      fetch(`${url}/api/records/events`, { headers: { 'x-forwarded-for': from } })
    expect(statuses(await times(8, () => read('203.0.113.1')))).toEqual(refusedOf(8, 5))
    expect((await read('203.0.113.2')).status).toBe(200)
    // What a client puts before its own address is not looked at.
    expect((await read('198.51.100.1, 203.0.113.1')).status).toBe(429)
    expect(statuses(await times(8, (nth) => read(`2001:db8::${nth + 1}`)))).toEqual(refusedOf(8, 5))
    expect((await read('2001:db8:0:1::1')).status).toBe(200)
  })
})

describe('the calls of integrations without an action', () => {
  it('have a limit of their own: of a user, and of an address without a token', async () => {
    const ada = randomUUID()
    const before = upstream.received.length
    expect(statuses(await times(5, () => weather('203.0.113.9', ada)))).toEqual(refusedOf(5, 3))
    expect(statuses(await times(5, () => weather('203.0.113.9')))).toEqual(refusedOf(5, 3))
    expect(upstream.received.length - before).toBe(6)
    expect((await weather('203.0.113.9', randomUUID())).status).toBe(200)
    const { members } = await batch(
      'integrations.request',
      { endpoint: 'weather/forecast', data: JSON.parse(PLACE) },
      5,
    )
    expect(members).toEqual([200, 200, 200, 429, 429])
  })

  it('strangers of one /64 share a daily budget as well', async () => {
    await using other = await createApp({
      rateLimits: {},
      budgets: { ...DEFAULT_BUDGETS, caller: { calls: 2, credits: undefined } },
    })
    const otherUrl = await other.listen()
    const ask = (from: string) =>
      post(`${otherUrl}/api/integrations/weather/forecast`, {
        headers: { 'x-forwarded-for': from },
        body: PLACE,
      })
    for (const address of ['2001:db8::1', '2001:db8::2']) expect((await ask(address)).status).toBe(200)
    expect(await ask('2001:db8::3')).toMatchObject({ status: 429, json: { details: { budget: 'caller' } } })
    expect((await ask('2001:db8:0:1::1')).status).toBe(200)
    expect((await ask('203.0.113.1')).status).toBe(200)
  })
})

describe('an answer', () => {
  it('says what is left of the tightest limit, on every transport', async () => {
    const ada = randomUUID()
    const rest = await send('/api/actions/free', { as: ada })
    expect([rest.headers.get('ratelimit-policy'), rest.headers.get('ratelimit')]).toEqual([
      '"user";q=10;w=60',
      '"user";r=9;t=6',
    ])
    const trpc = await send('/trpc/actions.free', { as: ada, body: '{"json":{}}' })
    expect(trpc.headers.get('ratelimit')).toBe('"user";r=8;t=12')
    const byLibrary = await fetch(`${url}/trpc/actions.free,actions.free?batch=1`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await app.token(ada)}`,
        'content-type': 'application/json',
        'trpc-accept': 'application/jsonl',
      },
      body: '{"0":{"json":{}},"1":{"json":{}}}',
    })
    expect(byLibrary.status).toBe(200)
    expect(byLibrary.headers.get('ratelimit')).toBe('"user";r=6;t=24')
    const owners = await send('/api/actions/free', { as: 'owner' })
    expect(owners.headers.get('ratelimit')).toBeNull()
  })
})
