import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get, post, rawRequest, sendRaw } from './send.ts'

let app: TestApp
let url: string
let token: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

/** Posts to a path as it is written: fetch would resolve and encode it. */
async function postRaw(path: string, bearer?: string) {
  const body = '{"json":{}}'
  const headers = ['Content-Type: application/json', `Content-Length: ${body.length}`]
  if (bearer !== undefined) headers.push(`Authorization: Bearer ${bearer}`)
  const { statuses, text } = await sendRaw(url, rawRequest(`POST ${path}`, headers, body))
  const answer = text.split('\r\n\r\n')[1] ?? ''
  return { statuses, body: answer.replace(/"requestId":"[^"]+"/, '"requestId":""') }
}

const NO_ACTIONS = [
  'nope',
  '__proto__',
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'then',
  'x.__proto__.constructor',
  'createEvent.constructor',
  'createEvent._def',
  'CreateEvent',
  'createevent',
  'createEvent.',
  'createEvent%2F',
  'createEvent%2e',
  '%2FcreateEvent',
  'x%2FcreateEvent',
  '..%2FcreateEvent',
  'createEvent%00',
  '%00',
  'createEvent%20',
  'createEvent;a=b',
  'createEvent,createEvent',
]

describe.each([
  ['REST', '/api/actions/', [...NO_ACTIONS, '', 'createEvent/', '/createEvent', 'create%45vent', '%ff']],
  ['tRPC', '/trpc/actions.', [...NO_ACTIONS, '']],
] as const)('over %s', (_transport, prefix, names) => {
  it.each(names)('%j is no action: 404 for a caller, 401 for a stranger', async (name) => {
    const caller = await postRaw(prefix + name, token)
    expect(caller.statuses).toEqual([404])
    expect(caller.body).toContain('NOT_FOUND')

    const stranger = await postRaw(prefix + name)
    expect(stranger.statuses).toEqual([401])
    expect(stranger).toEqual(await postRaw(`${prefix}createEvent`))
    expect((await get(`${url}/healthz`)).status).toBe(200)
  })
})

describe('an address', () => {
  it.each([
    '/api/actions/x/../createEvent',
    '/api/actions/./createEvent',
    '/api/actions/x/%2e%2e/createEvent',
    '/api/actions/%2E/createEvent',
    '/api/actions/%2e%2e/12345678createEvent',
    '/api/actions/..',
    '/public/.%2e/api/actions/createEvent',
    '/x/%2e./trpc/actions.createEvent',
    '/trpc/%2e/actions.createEvent',
  ])('with dot segments leads nowhere, for anybody: %s', async (path) => {
    const caller = await postRaw(path, token)
    expect(caller.statuses).toEqual([404])
    expect(await postRaw(path)).toEqual(caller)
  })

  it('that is not valid URL encoding is 400 over tRPC', async () => {
    expect((await postRaw('/trpc/actions.%ff', token)).statuses).toEqual([400])
    expect((await postRaw('/trpc/actions.%ff')).statuses).toEqual([401])
  })

  it('that nothing serves is 404 in JSON', async () => {
    const answer = await get(`${url}/nowhere`)
    expect(answer.status).toBe(404)
    expect(answer.json).toMatchObject({ success: false, code: 'NOT_FOUND' })
  })
})

describe('a method', () => {
  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    '%s on an action is 405 and says Allow: POST, whatever its name',
    async (method) => {
      for (const name of ['createEvent', 'nope']) {
        const answer = await get(`${url}/api/actions/${name}`, { token }, method)
        expect(answer.status).toBe(405)
        expect(answer.headers.get('allow')).toBe('POST')
      }
    },
  )

  it('is not overridden by a header or a parameter', async () => {
    const headers = { 'x-http-method-override': 'POST', 'x-method-override': 'POST' }
    expect((await get(`${url}/api/actions/createEvent?_method=POST`, { token, headers })).status).toBe(405)
    const overGet = { 'x-http-method-override': 'GET' }
    const body = '{"title":"Launch","startsAt":"2030-01-01T18:00:00Z","capacity":5}'
    expect((await post(`${url}/api/actions/createEvent`, { token, body, headers: overGet })).status).toBe(200)
  })

  it('takes no parameters beside an action’s name: what is sent there is refused, and nothing is done', async () => {
    const token = await app.token('ada')
    for (const search of ['?a=1', '?title=x&title=y', '?%ff', '?__proto__=1']) {
      const answer = await post(`${url}/api/actions/createEvent${search}`, { token })
      expect([search, answer.status]).toEqual([search, 400])
    }
    expect((await post(`${url}/api/actions/createEvent?a=1`, { token })).json).toMatchObject({
      code: 'BAD_REQUEST',
      error: 'There is no parameter "a" here; none are taken.',
    })
  })

  it('GET on a mutation is 405 over tRPC for a caller, 401 for a stranger', async () => {
    const caller = await get(`${url}/trpc/actions.createEvent`, { token })
    expect(caller.status).toBe(405)
    expect(caller.headers.get('allow')).toBe('POST')
    for (const name of ['createEvent', 'listAttendees', 'nope']) {
      expect((await get(`${url}/trpc/actions.${name}`)).status).toBe(401)
    }
  })
})
