import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineIntegrations } from '../../server/integrations/declare.ts'
import type { Payer } from '../../server/integrations/integrations.ts'
import { createProbe, type Probe } from '../invocation/probe.ts'
import { createTestApp } from '../support/test-app.ts'
import { ask, configured } from './configured.ts'
import { startUpstream, type Upstream } from './upstream.ts'

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
