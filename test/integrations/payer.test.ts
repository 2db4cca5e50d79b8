import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonValue } from '../../server/core/result.ts'
import { defineIntegrations } from '../../server/integrations/declarations.ts'
import type { Payer } from '../../server/integrations/integrations.ts'
import { createProbe, type Probe } from '../invocation/probe.ts'
import { createTestApp } from '../support/test-app.ts'
import { ask, configured } from './configured.ts'
import { shops } from './shop.ts'
import { json, startUpstream, type Upstream } from './upstream.ts'

const PROXIED = defineIntegrations({
  openai: { billing: 'developer', clients: 'none' },
  weather: { billing: 'developer', clients: 'anyone' },
  libretranslate: { billing: 'user', clients: 'users' },
})

describe('the payer of an action’s call', () => {
  let probe: Probe
  beforeAll(async () => {
    probe = await createProbe(undefined, PROXIED)
  })
  afterAll(() => probe[Symbol.asyncDispose]())

  const billing: readonly (readonly [string, string, Payer])[] = [
    ['openai/chat', 'developer', 'owner'],
    ['weather/today', 'developer', 'owner'],
    ['libretranslate/translate', 'user', 'caller'],
    ['undeclared/anything', 'not declared', 'owner'],
    ['constructor/anything', 'not declared', 'owner'],
    ['libretranslate%2e/x', 'not declared', 'owner'],
    ['libre%74ranslate/translate', 'user, spelled in another way', 'caller'],
  ]
  it.each(billing)('of %s (%s) is the %s', async (endpoint, _billing, payer) => {
    const before = probe.upstream.received.length
    await probe.run((ctx) => ctx.tools.integration(endpoint, { payer: 'mallory', userId: 'mallory' }), 'cyd')
    const [call] = probe.upstream.received.slice(before)
    const { sub } = decodeJwt(call?.authorization?.replace(/^Bearer /, '') ?? '')
    expect(sub).toBe(payer === 'owner' ? 'owner' : 'cyd')
  })
})

describe('a proxy that is not configured', () => {
  const declarations = defineIntegrations({
    dev: { billing: 'developer', clients: 'none' },
    own: { billing: 'user', clients: 'users' },
  })
  const apiWorkerUrl = new URL('http://127.0.0.1:9')
  it.each([
    ['API_WORKER_URL', 'dev/x', { ownerJwt: 'token' }],
    ['API_WORKER_URL', 'own/x', {}],
    ['APP_OWNER_JWT', 'dev/x', { apiWorkerUrl }],
    ['APP_OWNER_JWT', 'unlisted/x', { apiWorkerUrl }],
    ['OWNER_USER_ID', 'dev/x', { apiWorkerUrl, ownerJwt: 'token', ownerUserId: undefined }],
    ['OWNER_USER_ID', 'unlisted/x', { apiWorkerUrl, ownerJwt: 'token', ownerUserId: undefined }],
  ])('names %s for %s', (variable, endpoint, options) => {
    expect(configured({ declarations, ...options }).plan(endpoint, undefined)).toMatchObject({
      success: false,
      code: 'PRECONDITION_FAILED',
      error: expect.stringContaining(`Set ${variable} `),
    })
  })

  it('needs neither an owner nor a token of one for what the caller pays', () => {
    const { plan } = configured({ declarations, apiWorkerUrl, ownerUserId: undefined })
    expect(plan('own/x', undefined)).toMatchObject({ success: true, data: { payer: 'caller' } })
  })
})

describe('who pays, and whose credential leaves', () => {
  const OWNER_JWT = 'a.owner.token'
  const CALLER_JWT = 'a.caller.token'
  let upstream: Upstream
  beforeAll(async () => {
    upstream = await startUpstream()
  })
  afterAll(() => upstream[Symbol.asyncDispose]())

  const basic = `Basic ${Buffer.from('app:k-basic').toString('base64')}`
  const env = (url: string) => ({
    SHOP_BASE_URL: url,
    SHOP_KEY: 'k-shop',
    OWN_BASE_URL: url,
    OWN_KEY: 'k-own',
    BASIC_BASE_URL: url,
    BASIC_KEY: 'k-basic',
    OPEN_BASE_URL: url,
  })
  const table = [
    // billing, endpoint, are the provider's variables set, payer, Authorization, X-Api-Key
    ['developer', 'shop/hours', true, 'owner', 'Bearer k-shop', undefined],
    ['developer', 'basic/ask', true, 'owner', basic, undefined],
    ['developer', 'open/ask', true, 'owner', undefined, undefined],
    ['user', 'own/ask', true, 'caller', undefined, 'k-own'],
    ['developer', 'shop/hours', false, 'owner', `Bearer ${OWNER_JWT}`, undefined],
    ['developer', 'basic/ask', false, 'owner', `Bearer ${OWNER_JWT}`, undefined],
    ['developer', 'open/ask', false, 'owner', `Bearer ${OWNER_JWT}`, undefined],
    ['user', 'own/ask', false, 'caller', `Bearer ${CALLER_JWT}`, undefined],
    ['developer', 'proxied-dev/x', true, 'owner', `Bearer ${OWNER_JWT}`, undefined],
    ['user', 'proxied-user/x', true, 'caller', `Bearer ${CALLER_JWT}`, undefined],
    ['not declared', 'unlisted/x', true, 'owner', `Bearer ${OWNER_JWT}`, undefined],
  ] as const
  it.each(table)('%s, %s, direct: %s → the %s pays', async (_billing, name, isDirect, payer, bearer, key) => {
    const integrations = configured({
      declarations: shops,
      env: isDirect ? env(upstream.url) : {},
      apiWorkerUrl: new URL(upstream.url),
      ownerJwt: OWNER_JWT,
    })
    const data = name === 'shop/hours' ? { day: 'd' } : {}
    expect(integrations.plan(name, data)).toMatchObject({ success: true, data: { payer } })
    await ask(integrations, name, data, { callerJwt: CALLER_JWT })
    const sent = upstream.received.at(-1)
    expect([sent?.authorization, sent?.headers['x-api-key']]).toEqual([bearer, key])
    await integrations.close()
  })

  it.each([
    ['the variables of shop alone, its secret missing', { SHOP_BASE_URL: 'http://shop.example' }],
    ['the secret of shop alone', { SHOP_KEY: 'k-shop' }],
  ])('%s: the proxy is asked', (_what, variables) => {
    const { plan } = configured({
      declarations: shops,
      env: variables,
      apiWorkerUrl: new URL(upstream.url),
      ownerJwt: OWNER_JWT,
    })
    expect(plan('shop/hours', { day: 'd' })).toMatchObject({ data: { transport: 'proxy' } })
  })

  it('nobody’s money is spent by proxy for a caller without a token', async () => {
    const before = upstream.received.length
    const integrations = configured({ declarations: shops, apiWorkerUrl: new URL(upstream.url) })
    expect(await ask(integrations, 'proxied-user/x', {})).toMatchObject({
      outcome: 'nothing',
      cost: 0,
      result: { code: 'UNAUTHORIZED' },
    })
    expect(upstream.received).toHaveLength(before)
    await integrations.close()
  })

  it('by proxy, a declared endpoint answers with its own shape or not at all, and costs nothing here', async () => {
    const integrations = configured({
      declarations: shops,
      apiWorkerUrl: new URL(upstream.url),
      ownerJwt: OWNER_JWT,
    })
    const bodies: JsonValue[] = [{ data: { id: 'o1', total: 9 } }, { data: { id: 5 } }]
    upstream.on('shop/buy', (_received, response) =>
      json(response, 200, { success: true, ...Object(bodies.shift()) }),
    )
    expect(await ask(integrations, 'shop/buy', { item: 'tea' })).toMatchObject({
      cost: 0,
      result: { success: true, data: { id: 'o1', total: 9 } },
    })
    expect(await ask(integrations, 'shop/buy', { item: 'tea' })).toMatchObject({
      outcome: 'unknown',
      cost: 0,
      result: { code: 'BAD_GATEWAY' },
    })
    await integrations.close()
  })

  it.each([
    'shop/..%2fgoogle%2fx',
    '//evil.test/x',
    'https://evil.test/x',
    'shop/%2e%2e',
    '__proto__/hours',
    'shop/__proto__',
    'shop/hours?payer=caller',
  ])('%j is refused by an app that calls directly, too', (name) => {
    const { plan } = configured({ declarations: shops, env: env('http://shop.example') })
    expect(plan(name, { day: 'd' })).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  })
})

describe('an app', () => {
  let upstream: Upstream
  beforeAll(async () => {
    upstream = await startUpstream()
  })
  afterAll(() => upstream[Symbol.asyncDispose]())

  it.each([
    ['API_WORKER_URL', () => ({})],
    ['APP_OWNER_JWT', () => ({ apiWorkerUrl: upstream.url, ownerJwt: undefined })],
  ])('without %s answers summarizeEvent with what to set, and changes nothing', async (variable, options) => {
    await using app = await createTestApp(options())
    const ada = await app.as('ada')
    const event = await ada.actions.createEvent({ title: 'Launch', startsAt: new Date(0), capacity: 2 })
    const eventId = event.success ? event.data.recordId : ''
    expect(await ada.actions.summarizeEvent({ eventId })).toMatchObject({
      success: false,
      code: 'PRECONDITION_FAILED',
      error: expect.stringContaining(variable),
    })
    expect(upstream.received).toEqual([])
  })

  it('keeps the path of its api-worker’s address', async () => {
    upstream.onPath('/base/api/integrations/own/x', (_received, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"at":"base"}')
    })
    const declarations = defineIntegrations({ own: { billing: 'user', clients: 'users' } })
    const integrations = configured({ declarations, apiWorkerUrl: new URL(`${upstream.url}/base/`) })
    const { result } = await ask(integrations, 'own/x', undefined, { callerJwt: 'token' })
    expect(result).toEqual({ success: true, data: { at: 'base' } })
    await integrations.close()
  })
})
