import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp({ corsOrigins: ['https://app.test'] })
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

interface Sending {
  readonly user?: string
  readonly body?: string
  readonly headers?: Record<string, string>
}

async function send(method: string, path: string, { user, body, headers }: Sending = {}) {
  const response = await fetch(`${url}/api/records${path}`, {
    method,
    headers: {
      ...(user === undefined ? {} : { authorization: `Bearer ${await app.token(user)}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text === '' ? {} : JSON.parse(text),
  }
}

const day = (n: number) => `2030-01-0${n}T18:00:00.000Z`
const event = (n: number, more: object = {}) =>
  JSON.stringify({ title: `Day ${n}`, startsAt: day(n), capacity: n, ...more })

async function create(user: string, n = 1, more: object = {}) {
  const { json } = await send('POST', '/events', { user, body: event(n, more) })
  return json.data.recordId as string
}

const where = (value: unknown) => `where=${encodeURIComponent(JSON.stringify(value))}`

describe('records over REST', () => {
  it('are created, read, patched, put and removed', async () => {
    const recordId = await create('ada')
    const path = `/events/${recordId}`
    expect(await send('GET', path, { user: 'ada' })).toMatchObject({
      status: 200,
      json: { data: { record: { recordId, createdBy: 'ada', version: 1, data: { startsAt: day(1) } } } },
    })
    const patch = { user: 'ada', body: JSON.stringify({ startsAt: day(2) }) }
    expect(await send('PATCH', path, patch)).toMatchObject({
      status: 200,
      json: { success: true, data: { recordId } },
    })
    expect((await send('PATCH', `${path}?ifVersion=1`, patch)).status).toBe(409)
    expect((await send('PATCH', `${path}?ifVersion=2`, patch)).status).toBe(200)
    expect((await send('PUT', path, { user: 'ada', body: '{"title":"Put"}' })).status).toBe(200)
    expect(await send('GET', path, { user: 'ada' })).toMatchObject({
      json: { data: { record: { version: 4, data: { title: 'Put', startsAt: day(2) } } } },
    })
    expect((await send('DELETE', path, { user: 'ada' })).status).toBe(200)
    expect((await send('DELETE', path, { user: 'ada' })).status).toBe(404)
  })

  it('are listed with conditions, an order and pages', async () => {
    for (let n = 1; n <= 5; n += 1) await create('bob', n)
    const titles: string[] = []
    let cursor = ''
    do {
      const page = await send('GET', `/events?limit=2&orderBy=startsAt&orderDir=asc${cursor}`, {
        user: 'bob',
      })
      titles.push(...page.json.data.records.map(({ data }: { data: { title: string } }) => data.title))
      cursor = page.json.data.nextCursor && `&cursor=${page.json.data.nextCursor}`
    } while (cursor)
    expect(titles).toEqual([1, 2, 3, 4, 5].map((n) => `Day ${n}`))
  })

  it.each([
    ['a date', { startsAt: day(2) }, 1],
    ['a comparison of dates', { startsAt: { gte: day(2), lt: '2030-01-04T20:00:00+02:00' } }, 2],
    ['a list of dates', { startsAt: { in: [day(1), day(5)] } }, 2],
    ['dates within groups', { OR: [{ startsAt: day(1) }, { NOT: { startsAt: { lte: day(4) } } }] }, 2],
    ['text that looks like a date', { title: day(2) }, 0],
    ['a number', { capacity: { gt: 3 } }, 2],
    ['system fields', { createdBy: 'cyd', createdAt: { gt: '2020-01-01T00:00:00Z' } }, 5],
  ])('are found by %s', async (_what, condition, count) => {
    if ((await send('GET', `/events?limit=1`, { user: 'cyd' })).json.data.count === 0)
      for (let n = 1; n <= 5; n += 1) await create('cyd', n)
    const found = await send('GET', `/events?${where(condition)}`, { user: 'cyd' })
    expect(found).toMatchObject({ status: 200, json: { data: { count } } })
  })

  it.each([
    ['a parameter that there is not', 'wher={}', 'There is no parameter \\"wher\\" here'],
    ['a parameter that is given twice', 'limit=1&limit=2', 'limit: may be given once only'],
    ['a limit that is no number', 'limit=many', 'limit: must be a whole number'],
    ['a limit of nothing', 'limit=', 'limit: must be a whole number'],
    ['a limit of 0', 'limit=0', 'limit: must be a whole number'],
    ['half a limit', 'limit=1.5', 'limit: must be a whole number'],
    ['too high a limit', 'limit=1001', 'limit: must be a whole number'],
    ['a where that is no JSON', 'where={title', 'where: must be a JSON object'],
    ['a where that is a list', 'where=[]', 'where: must be an object'],
    ['a where that is text', 'where="x"', 'where: must be an object'],
    ['a where that is null', 'where=null', 'where: must be an object'],
    ['a date without a zone', where({ startsAt: '2030-01-01T18:00:00' }), 'where.startsAt'],
    ['an operator that there is not', where({ title: { like: 'x' } }), 'is no operator'],
    ['a field that every object has', where({ constructor: 'x' }), 'Unknown field'],
    ['a field of Drizzle’s', where({ getSQL: 'x' }), 'Unknown field'],
    ['an order that there is not', 'orderDir=up', 'orderDir: must be'],
    ['a field to order by that there is not', 'orderBy=__proto__', 'Unknown field'],
    ['a cursor of nowhere', 'cursor=abc', 'cursor: does not belong to this query'],
    ['an address that is not UTF-8', 'where=%ff', 'must be percent-encoded UTF-8'],
  ])('refuse %s', async (_what, query, message) => {
    const refused = await send('GET', `/events?${query}`, { user: 'ada' })
    expect([refused.status, refused.json.code]).toEqual([400, 'BAD_REQUEST'])
    expect(refused.text).toContain(message)
  })

  it.each(['a b', 'auth0|x', '100%', 'ä/ö', '?', '#', "'; drop table events --", '..'])(
    'have ids such as %j, encoded in the address',
    async (recordId) => {
      const path = `/events/${encodeURIComponent(recordId).replaceAll('.', '%2E')}`
      const put = await send('PUT', path, { user: 'dan', body: event(1) })
      // What a path may not hold in any spelling.
      if (recordId === '..') return expect(put.status).toBe(404)
      expect(put).toMatchObject({ status: 200, json: { data: { recordId } } })
      expect((await send('GET', path, { user: 'dan' })).json.data.record.recordId).toBe(recordId)
    },
  )

  it.each([
    ['/events/', 404],
    ['/events/a/b', 404],
    ['/events/%ff', 404],
    ['/', 404],
    ['/Events', 404],
    ['/events%2f', 404],
  ])('are not at %s', async (path, status) => {
    expect((await send('GET', path, { user: 'ada' })).status).toBe(status)
  })

  it.each([
    ['PUT', '/events', 'GET, POST'],
    ['DELETE', '/events', 'GET, POST'],
    ['POST', '/events/x', 'GET, PUT, PATCH, DELETE'],
  ])('are not called with %s at %s', async (method, path, allow) => {
    const refused = await send(method, path, { user: 'ada', ...(method === 'PUT' ? { body: '{}' } : {}) })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, allow])
  })

  it('take no method from a header', async () => {
    const recordId = await create('ada')
    const headers = { 'x-http-method-override': 'DELETE' }
    await send('GET', `/events/${recordId}`, { user: 'ada', headers })
    expect((await send('GET', `/events/${recordId}`, { user: 'ada' })).status).toBe(200)
  })

  it.each([
    ['no type', 'x', { 'content-type': 'text/plain' }, 415],
    ['a compressed body', '{}', { 'content-encoding': 'gzip' }, 415],
    ['a list', '[]', {}, 400],
    ['text', '"x"', {}, 400],
    ['no JSON', '{', {}, 400],
    ['half a pair', '{"title":"\\ud800"}', {}, 400],
    ['NUL', '{"title":"\\u0000"}', {}, 400],
    ['a date without a zone', '{"title":"t","startsAt":"2030-01-01","capacity":1}', {}, 400],
    ['nothing', '{}', {}, 400],
  ])('refuse a body of %s', async (_what, body, headers, status) => {
    expect((await send('POST', '/events', { user: 'ada', body, headers })).status).toBe(status)
  })

  it('refuse a DELETE with a body, and parameters where there are none', async () => {
    const recordId = await create('ada')
    expect((await send('DELETE', `/events/${recordId}`, { user: 'ada', body: '{}' })).status).toBe(400)
    expect((await send('DELETE', `/events/${recordId}?force=1`, { user: 'ada' })).status).toBe(400)
    expect((await send('GET', `/events/${recordId}`, { user: 'ada' })).status).toBe(200)
  })

  it('answer HEAD as GET, without the body', async () => {
    const head = await send('HEAD', '/events', { user: 'ada' })
    expect([head.status, head.text]).toEqual([200, ''])
  })

  it('may be written from the origins that browsers may call from', async () => {
    for (const method of ['PATCH', 'PUT', 'DELETE']) {
      const headers = { origin: 'https://app.test', 'access-control-request-method': method }
      const answer = await send('OPTIONS', '/events/x', { headers })
      expect(answer.headers.get('access-control-allow-methods')).toContain(method)
    }
  })
})

describe('a caller', () => {
  it('without a token reads what everybody may', async () => {
    const recordId = await create('eve', 1, { visibility: 'public' })
    expect((await send('GET', `/events/${recordId}`)).status).toBe(200)
    expect((await send('GET', `/events/${await create('eve')}`)).status).toBe(404)
    expect((await send('POST', '/events', { body: event(1) })).status).toBe(403)
  })

  it.each([
    ['GET', '/events'],
    ['GET', '/events/x'],
    ['POST', '/events'],
    ['PATCH', '/events/x'],
    ['DELETE', '/events/x'],
    ['GET', '/no_such_collection'],
    ['PROPFIND', '/events'],
  ])('with a bad token is refused: %s %s', async (method, path) => {
    for (const authorization of ['Bearer not.a.token', 'Basic x', 'Bearer']) {
      const refused = await send(method, path, { headers: { authorization } })
      expect([refused.status, refused.json.code]).toEqual([401, 'UNAUTHORIZED'])
    }
  })
})

describe('what is no collection', () => {
  const NAMES = [
    'information_schema',
    'pg_class',
    'pg_catalog.pg_class',
    '__drizzle_migrations',
    'audit_log',
    'deputy.audit_log',
    '__proto__',
    'constructor',
    'toString',
    'users%20',
    'USERS',
    'users%00',
    'users%2f..%2fevents',
    'x'.repeat(300),
  ]
  it.each(NAMES)('%s is the same 404 for everybody', async (name) => {
    for (const user of ['ada', 'owner', undefined]) {
      for (const [method, path] of [
        ['GET', `/${name}`],
        ['GET', `/${name}/x`],
        ['DELETE', `/${name}/x`],
      ] as const) {
        const missing = await send(method, path, user === undefined ? {} : { user })
        expect([missing.status, missing.json.code]).toEqual([404, 'NOT_FOUND'])
        expect(missing.json.error).toMatch(/^There is no collection "|^There is nothing at this address/)
      }
    }
  })

  it('has no procedure', async () => {
    for (const name of ['audit_log', '__proto__', 'constructor', 'events.get']) {
      expect((await fetch(`${url}/trpc/records.${name}.get?input={}`)).status).toBe(404)
    }
    expect((await send('GET', '/events')).status).toBe(200)
  })
})
