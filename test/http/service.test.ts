import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get, post } from './send.ts'

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('the request id', () => {
  it.each([
    '/healthz',
    '/readyz',
    '/nowhere',
    '/api/actions/createEvent',
    '/trpc/actions.nope',
    '/events/x/attendees',
  ])('of %s is the one that was sent, or a new one', async (path) => {
    const sent = await get(url + path, { headers: { 'x-request-id': 'web-1:a.b_c' } })
    expect(sent.headers.get('x-request-id')).toBe('web-1:a.b_c')
    const minted = await get(url + path)
    expect(minted.headers.get('x-request-id')).toMatch(UUID)
  })

  it.each(['a b', 'a,b', 'a"b', '<script>', 'é', 'a'.repeat(65), ''])('%j is replaced', async (given) => {
    const answer = await get(`${url}/healthz`, { headers: { 'x-request-id': given } })
    expect(answer.headers.get('x-request-id')).toMatch(UUID)
  })

  it('is in the body of a tRPC error', async () => {
    const headers = { 'x-request-id': 'from-here' }
    const answer = await post(`${url}/trpc/actions.createEvent`, { headers, body: '{"json":{}}' })
    expect(answer.json).toMatchObject({ error: { json: { data: { requestId: 'from-here' } } } })
  })
})

describe('health', () => {
  it('needs no token and no database, readiness needs the database', async () => {
    await using other = await createTestApp()
    const base = await other.listen()
    expect(await get(`${base}/healthz`)).toMatchObject({ status: 200, json: { status: 'ok' } })
    expect(await get(`${base}/readyz`)).toMatchObject({ status: 200, json: { status: 'ready' } })

    await other.database.close()
    expect((await get(`${base}/healthz`)).status).toBe(200)
    // The answer before is remembered for a moment.
    await expect.poll(async () => (await get(`${base}/readyz`)).status).toBe(503)
  })

  it('says 503 and keeps no connection once the server stops, and calls are still answered', async () => {
    await using other = await createTestApp()
    const base = await other.listen()
    other.stop()
    const ready = await get(`${base}/readyz`)
    expect(ready).toMatchObject({ status: 503, json: { status: 'stopping' } })
    expect(ready.headers.get('connection')).toBe('close')
    const call = await post(`${base}/api/actions/createEvent`, {
      token: await other.token('ada'),
      body: '{"title":"Launch","startsAt":"2030-01-01T18:00:00Z","capacity":5}',
    })
    expect(call.status).toBe(200)
    expect(call.headers.get('connection')).toBe('close')
  })
})

describe('an answer', () => {
  it('is not stored, not sniffed, and says nothing of what serves it', async () => {
    const answer = await post(`${url}/api/actions/createEvent`)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('x-powered-by')).toBeNull()
    expect(answer.headers.get('server')).toBeNull()
  })
})

describe('a browser of another origin', () => {
  const ORIGIN = 'https://app.example'
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  }

  it('is told nothing where no origins are allowed', async () => {
    const headers = { origin: ORIGIN }
    const asked = await get(
      `${url}/api/actions/createEvent`,
      { headers: { ...headers, ...preflight } },
      'OPTIONS',
    )
    const called = await post(`${url}/api/actions/createEvent`, { headers })
    for (const answer of [asked, called]) {
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  it('is let in where its origin is on the list, and nobody else is', async () => {
    await using other = await createTestApp({ corsOrigins: [ORIGIN, 'http://localhost:5173'] })
    const base = await other.listen()
    for (const path of ['/api/actions/createEvent', '/trpc/actions.createEvent']) {
      const asked = await get(base + path, { headers: { origin: ORIGIN, ...preflight } }, 'OPTIONS')
      expect(asked.status).toBe(204)
      expect(asked.headers.get('access-control-allow-origin')).toBe(ORIGIN)
      expect(asked.headers.get('access-control-allow-headers')).toContain('authorization')
      expect(asked.headers.get('access-control-allow-credentials')).toBeNull()

      const called = await post(base + path, { headers: { origin: ORIGIN } })
      expect(called.headers.get('access-control-allow-origin')).toBe(ORIGIN)
      expect(called.headers.get('access-control-expose-headers')).toContain('x-request-id')
      expect(called.headers.get('vary')?.toLowerCase()).toContain('origin')

      for (const origin of [
        'https://evil.example',
        'https://app.example.evil.example',
        'http://app.example',
        'null',
      ]) {
        const refused = await get(base + path, { headers: { origin, ...preflight } }, 'OPTIONS')
        expect(refused.headers.get('access-control-allow-origin')).toBeNull()
      }
    }
  })
})
