import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get, post } from './send.ts'

// limits.md: batch

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const EVENT = {
  json: { title: 'Launch', startsAt: '2030-01-01T18:00:00Z', capacity: 5 },
  meta: { values: { startsAt: ['Date'] } },
}

let users = 0
async function newUser() {
  users += 1
  const userId = `user-${users}`
  return { userId, token: await app.token(userId) }
}

async function batch(paths: string, inputs: unknown, token?: string) {
  const answer = await post(`${url}/trpc/${paths}?batch=1`, {
    token,
    body: typeof inputs === 'string' ? inputs : JSON.stringify(inputs),
  })
  return { ...answer, members: members(answer.text) }
}

interface Member {
  readonly result?: { readonly data: { readonly json: unknown } }
  readonly error?: { readonly json: { readonly message: string; readonly data: Record<string, unknown> } }
}

function members(text: string): readonly Member[] {
  const parsed: unknown = JSON.parse(text)
  return Array.isArray(parsed) ? parsed : [parsed as Member]
}

const codes = (all: readonly Member[]) => all.map(({ error }) => error?.json.data.code ?? 'ok')

async function eventsOf(userId: string): Promise<number> {
  const { rows } = await app.database.query({
    sql: 'select count(*)::int from events where created_by = $1',
    params: [userId],
  })
  return Number(rows[0]?.[0])
}

describe('a batch', () => {
  it('of ten calls is answered call by call, one of eleven not at all', async () => {
    const { userId, token } = await newUser()
    const inputs = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [at, EVENT]))
    const paths = (count: number) => Array(count).fill('actions.createEvent').join(',')

    const ten = await batch(paths(10), inputs, token)
    expect(ten.status).toBe(200)
    expect(codes(ten.members)).toEqual(Array(10).fill('ok'))
    const eleven = await batch(paths(11), inputs, token)
    expect(eleven.status).toBe(400)
    expect(await eventsOf(userId)).toBe(10)
    expect(codes(eleven.members)).toEqual(['BAD_REQUEST'])
    expect(eleven.members[0]?.error?.json.data.requestId).toBe(eleven.headers.get('x-request-id'))
    expect(eleven.headers.get('content-type')).toBe('application/json')
  })

  it.each([
    [
      'bad superjson',
      'createEvent',
      { json: {}, meta: { values: { '__proto__.a': ['Date'] } } },
      'BAD_REQUEST',
    ],
    ['no superjson', 'createEvent', 5, 'BAD_REQUEST'],
    ['an input that does not fit', 'createEvent', { json: { title: '' } }, 'BAD_REQUEST'],
    ['no input', 'createEvent', undefined, 'BAD_REQUEST'],
    ['an unknown action', 'nope', EVENT, 'NOT_FOUND'],
    ['the action __proto__', '__proto__', EVENT, 'NOT_FOUND'],
    ['a closed gate', 'recomputeAnalytics', { json: {} }, 'FORBIDDEN'],
  ])('with %s in one member spoils no other', async (_title, name, input, code) => {
    const { userId, token } = await newUser()
    const paths = `actions.createEvent,actions.${name},actions.createEvent`
    const answer = await batch(paths, { 0: EVENT, 1: input, 2: EVENT }, token)
    expect(answer.status).toBe(207)
    expect(codes(answer.members)).toEqual(['ok', code, 'ok'])
    expect(await eventsOf(userId)).toBe(2)
  })

  it('carries code, request id and issues in each error', async () => {
    const { token } = await newUser()
    const { members, headers } = await batch('actions.createEvent', { 0: { json: { title: 5 } } }, token)
    expect(members[0]?.error?.json).toMatchObject({
      message: expect.stringContaining('title'),
      data: {
        code: 'BAD_REQUEST',
        httpStatus: 400,
        requestId: headers.get('x-request-id'),
        issues: expect.arrayContaining([expect.objectContaining({ path: ['title'], code: 'invalid_type' })]),
      },
    })
  })

  it.each(['[', '[1]', '"text"', '5', 'null'])('whose body is %s is 400 and writes nothing', async (body) => {
    const { userId, token } = await newUser()
    const answer = await batch('actions.createEvent,actions.createEvent', body, token)
    expect(answer.status).toBe(400)
    expect(new Set(codes(answer.members))).toEqual(new Set(['BAD_REQUEST']))
    expect(await eventsOf(userId)).toBe(0)
  })

  it('of a query and a mutation is 400 for a caller, with code and request id', async () => {
    const { userId, token } = await newUser()
    const answer = await batch('actions.createEvent,actions.listAttendees', { 0: EVENT }, token)
    expect(answer.status).toBe(400)
    expect(answer.members[0]?.error?.json.data).toMatchObject({
      code: 'BAD_REQUEST',
      requestId: answer.headers.get('x-request-id'),
    })
    expect(await eventsOf(userId)).toBe(0)
  })
})

describe('a comma', () => {
  it('that is encoded counts like one that is not', async () => {
    const { userId, token } = await newUser()
    const eleven = Array(11).fill('actions.createEvent').join('%2C')
    expect((await batch(eleven, { 0: EVENT }, token)).status).toBe(400)
    const two = await batch('actions.createEvent%2cactions.nope', { 0: EVENT }, token)
    expect(codes(two.members)).toEqual(['ok', 'NOT_FOUND'])
    expect(await eventsOf(userId)).toBe(1)
  })

  it('that is encoded twice, or outside a batch, is part of a name that no action has', async () => {
    const { userId, token } = await newUser()
    const twice = await batch('actions.createEvent%252Cactions.createEvent', { 0: EVENT, 1: EVENT }, token)
    expect(codes(twice.members)).toEqual(['NOT_FOUND'])
    const single = await post(`${url}/trpc/actions.createEvent,actions.createEvent`, {
      token,
      body: JSON.stringify(EVENT),
    })
    expect(single.status).toBe(404)
    expect(await eventsOf(userId)).toBe(0)
  })
})

describe('a batch of a stranger', () => {
  const PAIRS = [
    'actions.createEvent,actions.createEvent',
    'actions.listAttendees,actions.listAttendees',
    'actions.createEvent,actions.listAttendees',
    'actions.createEvent,actions.nope',
    'actions.nope,actions.listAttendees',
    'actions.nope,actions.__proto__',
    'actions.createEvent%2Cactions.nope',
    '%61ctions.createEvent,actions.n%6Fpe',
    'actions.recomputeAnalytics,actions.',
  ]
  const anonymous = (text: string) => text.replace(/"requestId":"[^"]+"/g, '"requestId":""')

  it.each(['post', 'get'] as const)(
    'is 401 in every member and tells no action from none, by %s',
    async (method) => {
      const answers = await Promise.all(
        PAIRS.map((paths) =>
          method === 'post'
            ? post(`${url}/trpc/${paths}?batch=1`, { body: JSON.stringify({ 0: EVENT, 1: EVENT }) })
            : get(`${url}/trpc/${paths}?batch=1&input=${encodeURIComponent('{"0":{"json":{}}}')}`),
        ),
      )
      for (const { status, text } of answers) {
        expect(status).toBe(401)
        expect(codes(members(text))).toEqual(['UNAUTHORIZED', 'UNAUTHORIZED'])
        expect(anonymous(text)).toBe(anonymous(answers[0]?.text ?? ''))
      }
    },
  )

  it('is 401 in every action also beside what is none', async () => {
    const { members } = await batch('nope,actions.createEvent,actions.nope', {})
    expect(codes(members)).toEqual(['NOT_FOUND', 'UNAUTHORIZED', 'UNAUTHORIZED'])
  })
})
