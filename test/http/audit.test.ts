import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeCursor, encodeInstantCursor } from '../../server/wire/cursor.ts'
import { type AuditRow, insertAudit } from '../support/audit-rows.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get, post } from './send.ts'

const BILL = 'a record, "of" \\bill'
const wrote = (op: string, collection: string, recordId: string) => ({ op, collection, recordId })
const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`
/** Oldest first. The three of day 2 are of one instant. */
const ROWS: readonly AuditRow[] = [
  {
    id: 'e1',
    at: '2026-01-01T00:00:00.001Z',
    writes: [wrote('create', 'events', 'x'), wrote('update', 'counters', 'y')],
    payers: ['owner', 'caller'],
    cost: 8_999_999_999_999_999,
    detail: { input: '{"title":"Launch"}', ip: '203.0.113.7' },
  },
  { id: 'e2', at: day(2), actor: null, action: 'audit.prune', transport: 'command' },
  { id: 'e3', at: day(2), outcome: 'FORBIDDEN', detail: { input: null, ip: null } },
  { id: 'e4', at: day(2), actor: 'bill', writes: [wrote('update', 'events', BILL)] },
  { id: 'e5', at: day(3), action: 'records.events.remove', writes: [wrote('remove', 'events', 'y')] },
]
const NEWEST_FIRST = ['e5', 'e4', 'e3', 'e2', 'e1']

let app: TestApp
let url: string
let owner: Awaited<ReturnType<TestApp['as']>>
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
  owner = await app.as('owner')
  await insertAudit(app.database, app.databaseUrl, ROWS)
})
afterAll(() => app[Symbol.asyncDispose]())

type Query = Parameters<typeof owner.audit.list>[0]

async function idsOf(query: Query): Promise<string[]> {
  const found = await owner.audit.list({ to: new Date(day(4)), ...query })
  if (!found.success) throw new Error(found.error)
  return found.data.entries.map(({ id }) => id)
}

async function rest(parameters: string, user: string | undefined = 'owner', method = 'GET') {
  return get(`${url}/api/audit${parameters}`, { token: await app.token(user) }, method)
}

describe('the audit log', () => {
  it('tells everything about an entry, newest first', async () => {
    const found = await owner.audit.list({ to: new Date(day(4)) })
    expect(found).toMatchObject({ success: true, data: { nextCursor: null } })
    const entries = found.success ? found.data.entries : []
    expect(entries.map(({ id }) => id)).toEqual(NEWEST_FIRST)
    expect(entries.at(-1)).toEqual({
      id: 'e1',
      at: new Date('2026-01-01T00:00:00.001Z'),
      requestId: 'request-e1',
      transport: 'rest',
      source: 'client',
      actor: 'ada',
      actedBy: null,
      action: 'createEvent',
      outcome: 'OK',
      attempts: 1,
      durationMs: 12,
      inputHash: 'hash',
      writes: [
        ['create', 'events', 'x'],
        ['update', 'counters', 'y'],
      ],
      writeCount: 2,
      payers: ['owner', 'caller'],
      cost: 8_999_999_999_999_999,
      calls: 1,
      input: '{"title":"Launch"}',
      ip: '203.0.113.7',
    })
    expect(entries[3]).toMatchObject({ actor: null, cost: null, payers: [], input: null, ip: null })
  })

  it.each<[string, Query, readonly string[]]>([
    ['actor', { actor: 'bill' }, ['e4']],
    ['action', { action: 'createEvent' }, ['e4', 'e3', 'e1']],
    ['collection', { collection: 'events' }, ['e5', 'e4', 'e1']],
    ['record, which is not one of another collection', { collection: 'events', recordId: 'y' }, ['e5']],
    ['record of any name', { collection: 'events', recordId: BILL }, ['e4']],
    ['outcome', { outcome: 'FORBIDDEN' }, ['e3']],
    ['from, inclusive', { from: new Date(day(2)) }, ['e5', 'e4', 'e3', 'e2']],
    ['to, exclusive', { to: new Date(day(2)) }, ['e1']],
    ['all of them together', { actor: 'ada', action: 'createEvent', outcome: 'OK' }, ['e1']],
    ['what nobody did', { actor: "'; drop table deputy.audit_log; --" }, []],
  ])('is filtered by %s', async (_what, query, ids) => {
    expect(await idsOf(query)).toEqual(ids)
  })

  it.each([1, 2, 3])('comes in pages of %i that hold every entry once', async (limit) => {
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await owner.audit.list({ to: new Date(day(4)), limit, cursor })
      if (!page.success) throw new Error(page.error)
      expect(page.data.entries.length).toBeLessThanOrEqual(limit)
      ids.push(...page.data.entries.map(({ id }) => id))
      cursor = page.data.nextCursor ?? undefined
    } while (cursor !== undefined && ids.length <= NEWEST_FIRST.length)
    expect(ids).toEqual(NEWEST_FIRST)
  })

  it('is read by the owner and admins alone', async () => {
    const admin = await app.as('audit-admin', { name: 'Admin' })
    await expect(admin.audit.list()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await admin.users.register()
    expect(await owner.users.setRole({ userId: 'audit-admin', role: 'admin' })).toMatchObject({
      success: true,
    })
    expect(await admin.audit.list()).toMatchObject({ success: true })
    expect(await owner.users.setRole({ userId: 'audit-admin', role: 'member' })).toMatchObject({
      success: true,
    })
    await expect(admin.audit.list()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(app.createCaller().audit.list()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })

    expect((await get(`${url}/api/audit`)).status).toBe(401)
    expect((await get(`${url}/api/audit`, { token: 'x.y.z' })).status).toBe(401)
    expect((await rest('', 'ada')).json).toMatchObject({ success: false, code: 'FORBIDDEN' })
    // Who may not read is not told what would have been right.
    await expect((await app.as('ada')).audit.list({ limit: 0 })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  it.each<[string, unknown]>([
    ['actor', { actor: 7 }],
    ['actor', { actor: '' }],
    ['recordId', { recordId: 'x' }],
    ['outcome', { outcome: 'ok' }],
    ['outcome', { outcome: 'constructor' }],
    ['from', { from: '2026-01-01' }],
    ['from', { from: '2026-01-01T00:00:00' }],
    ['to', { from: new Date(day(2)), to: new Date(day(1)) }],
    ['limit', { limit: 0 }],
    ['limit', { limit: 201 }],
    ['limit', { limit: '5' }],
    ['limit', { limit: 1.5 }],
    ['cursor', { cursor: 5 }],
    ['actr', { actr: 'ada' }],
    ['actor', { actor: 'a\0' }],
  ])('refuses a wrong %s and names it: %j', async (field, query) => {
    await expect(owner.audit.list(query as Query)).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining(field),
    })
  })
})

describe('a cursor of the audit log', () => {
  const filters = { to: new Date(day(4)) }
  const position = { at: new Date(day(2)), id: 'e4' }
  const scope = { list: 'audit', filters }
  const good = encodeInstantCursor(scope, position)
  const parts: readonly unknown[] = JSON.parse(Buffer.from(good, 'base64url').toString())
  const changed = (index: number, value: unknown) =>
    Buffer.from(JSON.stringify(parts.with(index, value))).toString('base64url')

  it('is taken with its filters, whatever the limit', async () => {
    expect(await idsOf({ ...filters, cursor: good })).toEqual(['e3', 'e2', 'e1'])
    expect(await idsOf({ ...filters, limit: 1, cursor: good })).toEqual(['e3'])
  })

  it.each([
    ['nothing', ''],
    ['no base64url', `${good}=`],
    ['no JSON', 'AAAA'],
    ['something behind it', `${good}AAAA`],
    ['another version', changed(0, 2)],
    ['another kind', changed(1, 'events')],
    ['another hash', changed(2, 'x')],
    ['another instant', changed(3, day(3))],
    ['no instant', encodeCursor(scope, ['yesterday', 'e4'])],
    ['another id', changed(4, 'e1')],
    ['an id that is no text', changed(4, { gt: '' })],
    ['more parts', encodeCursor(scope, [day(2), 'e4', 1])],
    ['an object', Buffer.from('{"__proto__":[]}').toString('base64url')],
    [
      'other filters',
      encodeInstantCursor({ list: 'audit', filters: { ...filters, actor: 'ada' } }, position),
    ],
    ['a NUL', encodeInstantCursor(scope, { ...position, id: '\0' })],
    ['too much', encodeInstantCursor(scope, { ...position, id: 'e'.repeat(10_000) })],
  ])('with %s is refused', async (_what, cursor) => {
    expect(await owner.audit.list({ ...filters, cursor })).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path: ['cursor'] }],
    })
  })

  it('of records is refused', async () => {
    const attendees = await owner.users.list({ limit: 1 })
    const foreign = encodeInstantCursor({ list: 'users', filters }, position)
    expect(attendees).toMatchObject({ success: true })
    expect(await owner.audit.list({ ...filters, cursor: foreign })).toMatchObject({ code: 'BAD_REQUEST' })
  })
})

describe('GET /api/audit', () => {
  it('answers with dates in ISO 8601 and amounts as numbers', async () => {
    const found = await rest(`?to=2026-01-01T01:00%2B01:00&from=2025-12-31T23:59:59.999Z&action=createEvent`)
    expect(found).toMatchObject({ status: 200, json: { success: true, data: { entries: [] } } })
    const one = await rest(`?to=${day(2)}&limit=1&collection=events&recordId=x&actor=ada&outcome=OK`)
    expect(one.json).toMatchObject({
      success: true,
      data: {
        entries: [
          {
            id: 'e1',
            at: '2026-01-01T00:00:00.001Z',
            cost: 8_999_999_999_999_999,
            input: '{"title":"Launch"}',
          },
        ],
        nextCursor: null,
      },
    })
  })

  it('goes on with the cursor', async () => {
    const first = await rest(`?to=${day(4)}&limit=2`)
    const { entries, nextCursor } = first.json.data as { entries: { id: string }[]; nextCursor: string }
    expect(entries.map(({ id }) => id)).toEqual(['e5', 'e4'])
    expect(await rest(`?to=${day(4)}&limit=3&cursor=${nextCursor}`)).toMatchObject({
      json: { data: { entries: [{ id: 'e3' }, { id: 'e2' }, { id: 'e1' }], nextCursor: null } },
    })
    expect(await rest(`?to=${day(3)}&cursor=${nextCursor}`)).toMatchObject({
      status: 400,
      json: { code: 'BAD_REQUEST', error: expect.stringContaining('cursor') },
    })
  })

  it.each([
    ['?actr=ada', 'actr'],
    ['?actor=ada&actor=bill', 'actor'],
    ['?actor=', 'actor'],
    ['?actor=%ff', 'query'],
    ['?actor=%00', 'actor'],
    ['?recordId=x', 'recordId'],
    ['?outcome=FINE', 'outcome'],
    ['?outcome=__proto__', 'outcome'],
    ['?from=2026-01-01', 'from'],
    ['?from=2026-01-01T00:00:00', 'from'],
    ['?to=1767225600000', 'to'],
    ['?limit=-1', 'limit'],
    ['?limit=201', 'limit'],
    ['?limit=1e2', 'limit'],
    ['?cursor=x', 'cursor'],
  ])('refuses %s and names %s', async (parameters, field) => {
    expect(await rest(parameters)).toMatchObject({
      status: 400,
      json: { code: 'BAD_REQUEST', error: expect.stringContaining(field) },
    })
  })

  it('takes GET and HEAD alone, of the list and of an entry', async () => {
    const token = await app.token('owner')
    for (const address of ['', '/e1']) {
      expect((await rest(address, 'owner', 'HEAD')).status).toBe(200)
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const refused = await rest(address, 'owner', method)
        expect(refused.status, method).toBe(405)
        expect(refused.headers.get('allow')).toBe('GET')
      }
    }
    expect((await post(`${url}/api/audit`)).status).toBe(401)
    expect((await get(`${url}/api/audit/none`, { token })).status).toBe(404)
    expect((await get(`${url}/api/audit/e1/e1`, { token })).status).toBe(404)
    expect((await get(`${url}/api/audit/`, { token })).status).toBe(404)
    expect((await get(`${url}/api/auditor`, { token })).status).toBe(404)
  })
})
