import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineIntegrations } from '../../server/integrations/declare.ts'
import { createProxyCaller } from '../../server/integrations/proxy.ts'
import { createProbe, type Probe } from '../invocation/probe.ts'
import { createTestApp } from '../support/test-app.ts'
import { startUpstream, type Upstream } from './upstream.ts'

describe('the payer of an action’s call', () => {
  let probe: Probe
  beforeAll(async () => {
    probe = await createProbe()
  })
  afterAll(() => probe[Symbol.asyncDispose]())

  const billing = [
    ['openai/chat', 'developer', 'owner'],
    ['weather/today', 'developer', 'owner'],
    ['libretranslate/translate', 'user', 'caller'],
    ['undeclared/anything', 'not declared', 'owner'],
    ['constructor/anything', 'not declared', 'owner'],
    ['libretranslate%2e/x', 'not declared', 'owner'],
    ['libre%74ranslate/translate', 'user, spelled in another way', 'caller'],
  ] as const
  it.each(billing)('of %s (%s) is the %s', async (endpoint, _billing, payer) => {
    const before = probe.upstream.received.length
    await probe.run((ctx) => ctx.tools.integration(endpoint, { payer: 'mallory', userId: 'mallory' }), 'cyd')
    const [call] = probe.upstream.received.slice(before)
    const { sub } = decodeJwt(call?.authorization?.replace(/^Bearer /, '') ?? '')
    expect(sub).toBe(payer === 'owner' ? 'owner' : 'cyd')
  })
})

describe('a proxy that is not configured', () => {
  const integrations = defineIntegrations({
    dev: { billing: 'developer', clients: 'none' },
    own: { billing: 'user', clients: 'users' },
  })
  const baseUrl = new URL('http://127.0.0.1:9')
  it.each([
    ['API_WORKER_URL', 'dev/x', { baseUrl: undefined, ownerJwt: 'token' }],
    ['API_WORKER_URL', 'own/x', { baseUrl: undefined, ownerJwt: undefined }],
    ['APP_OWNER_JWT', 'dev/x', { baseUrl, ownerJwt: undefined }],
    ['APP_OWNER_JWT', 'unlisted/x', { baseUrl, ownerJwt: undefined }],
  ])('names %s for %s', (variable, endpoint, options) => {
    expect(createProxyCaller({ integrations, ...options }).resolve(endpoint)).toMatchObject({
      success: false,
      code: 'PRECONDITION_FAILED',
      error: expect.stringContaining(variable),
    })
  })

  it('needs no owner token for what the caller pays', () => {
    const caller = createProxyCaller({ integrations, baseUrl, ownerJwt: undefined })
    expect(caller.resolve('own/x')).toMatchObject({ success: true, data: { payer: 'caller' } })
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
    const integrations = defineIntegrations({ own: { billing: 'user', clients: 'users' } })
    const caller = createProxyCaller({
      integrations,
      baseUrl: new URL(`${upstream.url}/base/`),
      ownerJwt: undefined,
    })
    const target = caller.resolve('own/x')
    if (!target.success) throw new Error(target.error)
    expect(await caller.send(target.data, undefined, 'token')).toEqual({
      success: true,
      data: { at: 'base' },
    })
  })
})

it('an integration whose name no endpoint can have is refused at start, not billed to the owner', () => {
  const integrations = defineIntegrations({ libreTranslate: { billing: 'user', clients: 'users' } })
  expect(() => createProxyCaller({ integrations, baseUrl: undefined, ownerJwt: undefined })).toThrow(
    'Integration "libreTranslate" must be named of',
  )
})
