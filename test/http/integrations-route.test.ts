import { randomUUID } from 'node:crypto'
import { TRPCError } from '@trpc/server'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { httpStatusOf, toFailure } from '../../server/trpc/error-shape.ts'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get, post, rawRequest, sendRaw } from './send.ts'

const WEATHER = 'weather/forecast'
const PLACE = { latitude: 52.5, longitude: 13.4 }
const SUNNY = { current: { time: '2030-01-01T18:00', temperature_2m: 21, wind_speed_10m: 7 } }
const TRANSLATE = 'libretranslate/translate'
const WORDS = { q: 'Launch', source: 'en', target: 'de' }

let upstream: Upstream
let app: TestApp
let url: string
beforeAll(async () => {
  upstream = await startUpstream()
  upstream.on(WEATHER, (_received, response) => json(response, 200, { success: true, data: SUNNY }))
  upstream.on(TRANSLATE, (_received, response) =>
    json(response, 200, { success: true, data: { translatedText: 'Start' } }),
  )
  app = await createTestApp({ apiWorkerUrl: upstream.url })
  url = await app.listen()
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

const TRANSPORTS = {
  REST: async (endpoint: string, data: unknown, token: string | undefined) => {
    const body = JSON.stringify(data)
    return (await post(`${url}/api/integrations/${endpoint}`, { token, body })).status
  },
  tRPC: async (endpoint: string, data: unknown, token: string | undefined) => {
    const body = JSON.stringify({ json: { endpoint, data } })
    return (await post(`${url}/trpc/integrations.request`, { token, body })).status
  },
  'in process': async (endpoint: string, data: unknown, token: string | undefined) => {
    const caller = app.createCaller(token === undefined ? {} : { token })
    try {
      const result = await caller.integrations.request({ endpoint, data } as never)
      return result.success ? 200 : httpStatusOf(result)
    } catch (error) {
      if (error instanceof TRPCError) return httpStatusOf(toFailure(error))
      throw error
    }
  },
}

const CALLERS = {
  'an anonymous caller': async () => undefined,
  'a user': () => app.token(`user-${randomUUID()}`),
  'a bad token': async () => 'no.such.token',
  'an expired token': () => app.token('ada', { exp: Math.floor(Date.now() / 1_000) - 60 }),
}

describe.each(Object.entries(TRANSPORTS))('over %s', (_transport, call) => {
  it.each<[endpoint: string, data: unknown, caller: keyof typeof CALLERS, status: number]>([
    [WEATHER, PLACE, 'an anonymous caller', 200],
    [WEATHER, PLACE, 'a user', 200],
    [WEATHER, PLACE, 'a bad token', 401],
    [WEATHER, PLACE, 'an expired token', 401],
    [TRANSLATE, WORDS, 'an anonymous caller', 401],
    [TRANSLATE, WORDS, 'a user', 200],
    [TRANSLATE, WORDS, 'a bad token', 401],
    [TRANSLATE, WORDS, 'an expired token', 401],
    ['openai/chat-completion', {}, 'an anonymous caller', 404],
    ['openai/chat-completion', {}, 'a user', 404],
    ['openai/chat-completion', {}, 'a bad token', 401],
    ['unlisted/anything', {}, 'an anonymous caller', 404],
    ['unlisted/anything', {}, 'a user', 404],
    ['constructor/call', {}, 'a user', 404],
    ['__proto__/x', {}, 'a user', 404],
    ['weather', {}, 'a user', 404],
    ['weather/forecast/x', {}, 'a user', 404],
    ['we%61ther/forecast', PLACE, 'a user', 404],
    ['weather/..%2fopenai%2fchat-completion', {}, 'a user', 404],
    ['weather%2fforecast', PLACE, 'a user', 404],
    ['/weather/forecast', PLACE, 'a user', 404],
    ['Weather/forecast', PLACE, 'a user', 404],
  ])('%s with %j is for %s %i', async (endpoint, data, caller, status) => {
    const before = upstream.received.length
    expect(await call(endpoint, data, await CALLERS[caller]())).toBe(status)
    expect(upstream.received.length - before).toBe(status === 200 ? 1 : 0)
  })
})

describe('addresses that lead elsewhere', () => {
  it.each([
    '/api/integrations/weather/../openai/chat-completion',
    '/api/integrations/weather/%2e%2e/openai',
    '/api/integrations//host/x',
    '/api/integrations/weather/forecast/',
    '/api/integrations/weather/',
    '/api/integrations/',
    '/api/integrations/http://host/x',
    '/api/integrations/weather/forecast%00',
    '/api/integrations/weather/forecast%0d%0a',
    '/api/integrations/weather/forecast;x',
  ])('%s is 404, and nothing leaves', async (path) => {
    const before = upstream.received.length
    const request = rawRequest(`POST ${path}`, ['Content-Type: application/json', 'Content-Length: 2'], '{}')
    expect((await sendRaw(url, request)).statuses).toEqual([404])
    expect(upstream.received.length).toBe(before)
  })

  it.each(['//host/x', 'http://host/x', '', ' weather/forecast', 'weather/forecast?x', 'weather/./x'])(
    'the endpoint %j is 404 over tRPC',
    async (endpoint) => {
      expect(await TRANSPORTS.tRPC(endpoint, {}, undefined)).toBe(404)
    },
  )
})

describe('a call', () => {
  it('answers with the result, on the account that the declaration names', async () => {
    const user = `user-${randomUUID()}`
    const token = await app.token(user)
    const payers = []
    for (const [endpoint, data, answered] of [
      [WEATHER, PLACE, SUNNY],
      [TRANSLATE, WORDS, { translatedText: 'Start' }],
    ] as const) {
      const answer = await post(`${url}/api/integrations/${endpoint}`, { token, body: JSON.stringify(data) })
      expect(answer).toMatchObject({ status: 200, json: { success: true, data: answered } })
      const sent = upstream.received.at(-1)
      expect(sent).toMatchObject({ path: `/api/integrations/${endpoint}`, body: data })
      payers.push(decodeJwt(sent?.authorization?.replace(/^Bearer /, '') ?? '').sub)
    }
    expect(payers).toEqual(['owner', user])
    const { data } = await (await app.as('owner')).audit.list({ actor: user })
    expect(data?.entries.map(({ action, payers, transport }) => [action, payers, transport])).toEqual([
      ['integrations.request', ['caller'], 'rest'],
      ['integrations.request', ['owner'], 'rest'],
    ])
  })

  it('is made once for the key of a user, and not at all for that of nobody', async () => {
    const token = await app.token(`user-${randomUUID()}`)
    const headers = { 'idempotency-key': randomUUID() }
    const body = JSON.stringify(PLACE)
    const before = upstream.received.length
    const first = await post(`${url}/api/integrations/${WEATHER}`, { token, headers, body })
    const second = await post(`${url}/api/integrations/${WEATHER}`, { token, headers, body })
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.json).toEqual(first.json)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect((await post(`${url}/api/integrations/${WEATHER}`, { headers, body })).status).toBe(400)
    expect(upstream.received.length - before).toBe(1)
  })

  it.each([
    ['POST', '/weather/forecast?x=1', '{}', 400],
    ['POST', '/weather/forecast', '{"latitude":', 400],
    ['POST', '/openai/chat-completion', '{"latitude":', 404],
    ['POST', '/libretranslate/translate', '{"latitude":', 401],
    ['POST', '/weather/forecast', `{"latitude":"\\u0000"}`, 400],
  ])('%s %s with %s is %i', async (_method, path, body, status) => {
    expect((await post(`${url}/api/integrations${path}`, { body })).status).toBe(status)
  })

  it.each([
    [{ endpoint: WEATHER, data: PLACE, payer: 'caller' }, 400],
    [{ data: PLACE }, 400],
    [{ endpoint: 5, data: PLACE }, 400],
    [WEATHER, 400],
    [null, 400],
  ])('over tRPC %j is %i', async (json, status) => {
    const answer = await post(`${url}/trpc/integrations.request`, { body: JSON.stringify({ json }) })
    expect(answer.status).toBe(status)
  })

  it.each([
    ['GET', '/weather/forecast', 'POST'],
    ['PUT', '/weather/forecast', 'POST'],
    ['DELETE', '/openai/chat-completion', 'POST'],
    ['POST', '', 'GET'],
    ['DELETE', '', 'GET'],
  ])('by %s on %s is 405, which takes %s', async (method, path, allow) => {
    const answer = await get(`${url}/api/integrations${path}`, {}, method)
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
  })
})

describe('the catalogue', () => {
  it('tells everybody what clients may call, and no more', async () => {
    const answer = await get(`${url}/api/integrations`)
    expect(answer.status).toBe(200)
    const { integrations } = (answer.json as { data: { integrations: { name: string; clients: string }[] } })
      .data
    expect(integrations.map(({ name, clients }) => [name, clients])).toEqual([
      ['weather', 'anyone'],
      ['libretranslate', 'users'],
    ])
    expect(integrations[0]).toMatchObject({
      endpoints: [{ name: 'forecast', input: { type: 'object', required: ['latitude', 'longitude'] } }],
    })
    expect(answer.text).not.toMatch(/openai|resend|_BASE_URL|_KEY|https?:\/\/(?!json-schema\.org)/i)
    expect((await get(`${url}/trpc/integrations.list`)).json).toMatchObject({
      result: { data: { json: { data: { integrations } } } },
    })
    expect(await app.createCaller().integrations.list()).toEqual({ success: true, data: { integrations } })
  })

  it('is refused to a bad token, and takes no parameters', async () => {
    expect((await get(`${url}/api/integrations`, { token: 'no.such.token' })).status).toBe(401)
    expect((await get(`${url}/api/integrations?x=1`)).status).toBe(400)
    expect((await get(`${url}/api/integrations`, {}, 'HEAD')).status).toBe(200)
  })
})
