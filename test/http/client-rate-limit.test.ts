import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseRange } from '../../server/auth/client-address.ts'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { post } from './send.ts'

const LIMIT = 3
const PLACE = JSON.stringify({ latitude: 52.5, longitude: 13.4 })
const SUNNY = { current: { time: '2030-01-01T18:00', temperature_2m: 21, wind_speed_10m: 7 } }
const START_MS = Date.now()
const loopback = ['127.0.0.0/8', '::1'].map(parseRange).filter((range) => range !== undefined)

let upstream: Upstream
let alone: TestApp
let behindProxy: TestApp
let nowMs = START_MS
beforeAll(async () => {
  upstream = await startUpstream()
  upstream.on('weather/forecast', (_received, response) =>
    json(response, 200, { success: true, data: SUNNY }),
  )
  const options = { apiWorkerUrl: upstream.url, clientRateLimit: LIMIT, clock: () => new Date(nowMs) }
  alone = await createTestApp(options)
  behindProxy = await createTestApp({ ...options, trustedProxies: loopback })
})
afterAll(async () => {
  await alone[Symbol.asyncDispose]()
  await behindProxy[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})
// Every test has a minute of its own.
beforeEach(() => {
  nowMs += 60_000
})

const times = <T>(calls: number, call: (nth: number) => Promise<T>) =>
  Promise.all(Array.from({ length: calls }, (_, nth) => call(nth)))

const statuses = (answers: readonly { readonly status: number }[]) =>
  answers.map(({ status }) => status).sort()

async function weather(app: TestApp, forwardedFor?: string, token?: string) {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
  return post(`${await app.listen()}/api/integrations/weather/forecast`, { headers, token, body: PLACE })
}

describe('a burst from one address', () => {
  it('passes as far as the limit goes, whatever its headers and tokens say', async () => {
    const before = upstream.received.length
    const tokens = await times(20, (nth) => alone.token(`user-${nth}`))
    const answers = await times(20, (nth) =>
      weather(alone, `203.0.113.${nth}`, nth % 2 === 0 ? undefined : tokens[nth]),
    )
    expect(statuses(answers)).toEqual([...Array(LIMIT).fill(200), ...Array(20 - LIMIT).fill(429)])
    expect(upstream.received.length - before).toBe(LIMIT)
  })

  it('is told which limit it met, and when it is over', async () => {
    const answers = await times(LIMIT + 1, () => weather(alone))
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.headers.get('retry-after')).toBe('60')
    expect(refused?.json).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      details: {
        budget: 'address',
        resetAt: new Date(nowMs + 60_000).toISOString(),
        retryAfterSeconds: 60,
      },
    })
    nowMs += 60_000
    expect((await weather(alone)).status).toBe(200)
  })

  it('counts each call of a batch', async () => {
    const url = `${await alone.listen()}/trpc/${Array(5).fill('integrations.request').join()}?batch=1`
    const input = { json: { endpoint: 'weather/forecast', data: JSON.parse(PLACE) } }
    const body = JSON.stringify(Object.fromEntries(Array.from({ length: 5 }, (_, nth) => [nth, input])))
    const answer = await post(url, { body })
    const members = JSON.parse(answer.text) as { error?: { json: { data: { httpStatus: number } } } }[]
    expect(members.map(({ error }) => error?.json.data.httpStatus ?? 200).sort()).toEqual([
      200, 200, 200, 429, 429,
    ])
    expect(answer.headers.get('retry-after')).toBe('60')
  })

  it('counts what is refused for another reason, before it is read', async () => {
    const url = await alone.listen()
    const token = await alone.token('ada')
    expect((await post(`${url}/api/integrations/openai/chat-completion`, { token })).status).toBe(404)
    expect((await post(`${url}/api/integrations/libretranslate/translate`)).status).toBe(401)
    expect((await post(`${url}/api/integrations/weather/forecast`, { body: '{' })).status).toBe(400)
    expect((await post(`${url}/api/integrations/weather/forecast`, { body: '{' })).status).toBe(429)
    expect((await post(`${url}/trpc/integrations.request`, { body: '{"json":5}' })).status).toBe(429)
    expect((await weather(alone, undefined, 'no.such.token')).status).toBe(401)
  })

  it('concerns nothing else of the server', async () => {
    await times(LIMIT + 1, () => weather(alone))
    const url = await alone.listen()
    expect((await fetch(`${url}/api/integrations`)).status).toBe(200)
    expect((await fetch(`${url}/api/records/events`)).status).toBe(200)
    expect((await alone.createCaller().integrations.list()).success).toBe(true)
  })
})

describe('behind a trusted proxy', () => {
  it('each address has its own limit, and a /64 of IPv6 one together', async () => {
    const from = (...addresses: readonly string[]) =>
      times(addresses.length, (nth) => weather(behindProxy, addresses[nth]))
    expect(statuses(await from(...Array(4).fill('203.0.113.1')))).toEqual([200, 200, 200, 429])
    expect(statuses(await from('203.0.113.2'))).toEqual([200])
    // What a client puts before its own address is not looked at.
    expect(statuses(await from('198.51.100.1, 203.0.113.1'))).toEqual([429])
    const neighbours = ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3', '2001:db8::4']
    expect(statuses(await from(...neighbours))).toEqual([200, 200, 200, 429])
    expect(statuses(await from('2001:db8:0:1::1'))).toEqual([200])
  })

  it('strangers of one /64 share a daily budget as well', async () => {
    await using app = await createTestApp({
      apiWorkerUrl: upstream.url,
      clientRateLimit: 'none',
      trustedProxies: loopback,
      budgets: { ...DEFAULT_BUDGETS, caller: { calls: 2, credits: undefined } },
    })
    for (const address of ['2001:db8::1', '2001:db8::2'])
      expect((await weather(app, address)).status).toBe(200)
    const refused = await weather(app, '2001:db8::3')
    expect(refused).toMatchObject({ status: 429, json: { details: { budget: 'caller' } } })
    expect((await weather(app, '2001:db8:0:1::1')).status).toBe(200)
    expect((await weather(app, '203.0.113.1')).status).toBe(200)
  })
})
