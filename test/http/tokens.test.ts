import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKeySource, type KeyConfig } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { createIntegrations } from '../../server/integrations/create-integrations.ts'
import { createHttpClient } from '../../server/integrations/http-client.ts'
import { createApp } from '../../server/lifecycle/create-app.ts'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import { NO_RATE_LIMITS } from '../../server/limits/rate-limits.ts'
import {
  AUDIENCE,
  ecSigner,
  encodeToken,
  GOOD_CLAIMS,
  ISSUER,
  START_SECONDS,
  signWithSecret,
} from '../auth/tokens.ts'
import { fixture } from '../fixture/app.ts'
import { holdingContract } from '../support/contract-check.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { get, post } from './send.ts'

const signer = ecSigner()
let opened: TestDatabase
const servers: Listening[] = []
let url: string

beforeAll(async () => {
  opened = await openTestDatabase()
  url = await serve({ kind: 'publicKey', pem: signer.pem })
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close(1_000)))
  await opened[Symbol.asyncDispose]()
})

async function serve(keys: KeyConfig): Promise<string> {
  const log = pino({ level: 'silent' })
  const http = createHttpClient()
  const { http: served } = createApp({
    ...fixture,
    schedules: [],
    rateLimits: NO_RATE_LIMITS,
    aroundAnswer: holdingContract,
    appEnv: {},
    database: opened.database,
    verifier: createVerifier({
      keys: createKeySource(keys),
      issuer: ISSUER,
      audience: AUDIENCE,
      clock: () => new Date(START_SECONDS * 1_000),
    }),
    http,
    integrations: createIntegrations({
      declarations: fixture.integrations,
      env: () => undefined,
      apiWorkerUrl: undefined,
      ownerJwt: undefined,
      ownerUserId: undefined,
      http,
      log,
    }),
    log,
  })
  const server = await listen({ http: served, host: '127.0.0.1', port: 0 })
  servers.push(server)
  return server.url
}

const EVENT = { title: 'Launch', startsAt: '2030-01-01T18:00:00Z', capacity: 5 }
const REST_BODY = JSON.stringify(EVENT)
const TRPC_BODY = JSON.stringify({ json: EVENT, meta: { values: { startsAt: ['Date'] }, v: 1 } })

/** The same call on every transport, with a header that says who calls. */
async function callEverywhere(base: string, headers: Record<string, string>) {
  return {
    rest: await post(`${base}/api/actions/createEvent`, { body: REST_BODY, headers }),
    trpc: await post(`${base}/trpc/actions.createEvent`, { body: TRPC_BODY, headers }),
    batch: await post(`${base}/trpc/actions.createEvent?batch=1`, {
      body: JSON.stringify({ 0: JSON.parse(TRPC_BODY) }),
      headers,
    }),
    route: await get(`${base}/events/none/attendees`, { headers }),
  }
}

async function countEvents(): Promise<number> {
  const { rows } = await opened.database.query({ sql: 'select count(*)::int from events', params: [] })
  return Number(rows[0]?.[0])
}

/** An answer without what differs from call to call. */
const withoutId = (text: string) => text.replace(/"requestId":"[^"]+"/g, '"requestId":""')

function claims(change: Record<string, unknown>): string {
  return signer.sign({ ...GOOD_CLAIMS, ...change })
}

const bearer = (token: string) => `Bearer ${token}`
const good = claims({})
const [, payload = '', signature = ''] = good.split('.')

const REFUSED: readonly (readonly [string, string])[] = [
  ['is expired', bearer(claims({ exp: START_SECONDS - 60 }))],
  ['is not valid yet', bearer(claims({ nbf: START_SECONDS + 60 }))],
  ['is of another issuer', bearer(claims({ iss: 'https://other.example' }))],
  ['is for another audience', bearer(claims({ aud: 'another-app' }))],
  ['has no audience', bearer(claims({ aud: undefined }))],
  ['never expires', bearer(claims({ exp: undefined }))],
  ['expires in milliseconds', bearer(claims({ exp: (START_SECONDS + 3_600) * 1_000 }))],
  ['has alg none', bearer(encodeToken({ alg: 'none' }, GOOD_CLAIMS, () => Buffer.alloc(0)))],
  ['has alg none and a signature', bearer(encodeToken({ alg: 'None' }, GOOD_CLAIMS, () => Buffer.from('x')))],
  ['is signed with the public key as a secret', bearer(signWithSecret(signer.pem, GOOD_CLAIMS))],
  ['is signed by another key', bearer(ecSigner().sign(GOOD_CLAIMS))],
  ['has lost its signature', bearer(good.slice(0, -signature.length))],
  ['has a changed payload', bearer(good.replace(payload, Buffer.from('{}').toString('base64url')))],
  ['is no JWT', bearer('abc')],
  ['is empty', 'Bearer'],
  ['comes in another scheme', `Basic ${good}`],
  ['comes twice in one header', `Bearer ${good}, Bearer ${good}`],
  ...(
    [5, null, '', {}, ['ada'], 'a\0b', '\ud800', 'a'.repeat(5_000), '__proto__', undefined, true] as const
  ).map((sub) => [`has the sub ${JSON.stringify(sub)?.slice(0, 20)}`, bearer(claims({ sub }))] as const),
]

describe('a call without a valid token', () => {
  it.each(REFUSED)('is refused like one without any when its token %s', async (_title, authorization) => {
    const before = await countEvents()
    const stranger = await callEverywhere(url, {})
    const refused = await callEverywhere(url, { authorization })
    for (const transport of ['rest', 'trpc', 'batch', 'route'] as const) {
      expect(refused[transport].status).toBe(401)
      expect(withoutId(refused[transport].text)).toBe(withoutId(stranger[transport].text))
    }
    expect(refused.rest.json).toEqual({
      success: false,
      error: 'Sign in first: this call needs a valid Bearer token.',
      code: 'UNAUTHORIZED',
    })
    expect(refused.rest.headers.get('www-authenticate')).toBe('Bearer')
    expect(await countEvents()).toBe(before)
  })

  it('is told from one with a valid token', async () => {
    const { rest, trpc, batch, route } = await callEverywhere(url, { authorization: bearer(good) })
    expect([rest.status, trpc.status, batch.status, route.status]).toEqual([200, 200, 200, 404])
  })
})

describe('a call while the key server is down', () => {
  it('is answered with 503 and when to try again, never with 401 or 404', async () => {
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
    const { port } = gone.address() as AddressInfo
    await new Promise((resolve) => gone.close(resolve))
    const base = await serve({ kind: 'jwks', url: new URL(`http://127.0.0.1:${port}/jwks`) })

    const answers = await callEverywhere(base, { authorization: bearer(good) })
    for (const { status, headers, text } of Object.values(answers)) {
      expect(status).toBe(503)
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      expect(text).toContain('Callers cannot be verified at the moment')
      expect(text).not.toContain(String(port))
    }
    const stranger = await callEverywhere(base, {})
    expect(Object.values(stranger).map(({ status }) => status)).toEqual([401, 401, 401, 401])
  })
})
