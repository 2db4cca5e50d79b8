import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { post } from '../http/send.ts'
import { openShop, type Shop } from '../invocation/shop.ts'

let shop: Shop
let url: string
beforeAll(async () => {
  shop = await openShop()
  url = await shop.app.listen()
})
afterAll(() => shop[Symbol.asyncDispose]())

interface Row {
  readonly action: string
  readonly outcome: string
  readonly attempts: number
  readonly writes: readonly { readonly op: string; readonly collection: string; readonly recordId: string }[]
  readonly writeCount: number
  readonly payers: string
  readonly transport: string
  readonly requestId: string
  readonly inputHash: string | null
  readonly input: string | null
  readonly ip: string | null
}

/** What a user has left in the audit, in order. */
async function rowsOf(user: string): Promise<Row[]> {
  const rows = await shop.rows(
    `select log.action, outcome, attempts, writes::text, write_count, payers::text, transport, request_id, input_hash,
       detail.input, detail.ip
     from deputy.audit_log as log left join deputy.audit_detail as detail using (id) where log.actor = $1 order by log.at, log.id`,
    user,
  )
  return rows.map((row) => {
    const [action, outcome, attempts, writes, writeCount, payers, transport, requestId, ...more] = row
    const [inputHash, input, ip] = more
    const texts = {
      action,
      outcome,
      attempts,
      writeCount,
      payers,
      transport,
      requestId,
      inputHash,
      input,
      ip,
    }
    return { ...texts, writes: JSON.parse(String(writes)) } as Row // The columns of the select above.
  })
}

const rest = async (user: string, path: string, body: unknown) =>
  post(`${url}/api/${path}`, { token: await shop.app.token(user), body: JSON.stringify(body) })

describe('a row is left by a call that', () => {
  it('wrote, with what, from where, and with the request’s id', async () => {
    const user = randomUUID()
    const answer = await rest(user, 'actions/place', { name: 'n' })
    const [row, ...more] = await rowsOf(user)
    expect(more).toEqual([])
    expect(row).toMatchObject({
      action: 'place',
      outcome: 'OK',
      attempts: 1,
      transport: 'rest',
      requestId: answer.headers.get('x-request-id'),
      writes: [
        { op: 'create', collection: 'events', recordId: (answer.json.data as { recordId: string }).recordId },
      ],
      writeCount: 1,
      payers: '{}',
      input: '{"name":"n"}',
      ip: expect.stringMatching(/127\.0\.0\.1$/),
    })
    expect(row?.inputHash).toMatch(/^[\w-]{43}$/)
  })

  it('spent, with whose money and how many runs', async () => {
    const user = randomUUID()
    await rest(user, 'actions/pay', { name: user })
    expect(await rowsOf(user)).toMatchObject([
      { action: 'pay', payers: '{owner}', attempts: 2, writeCount: 1 },
    ])
  })

  it('failed, and so wrote nothing', async () => {
    const user = randomUUID()
    await rest(user, 'actions/refuse', { name: 'n' })
    expect(await rowsOf(user)).toMatchObject([
      { action: 'refuse', outcome: 'CONFLICT', writes: [], attempts: 1 },
    ])
  })

  it('was denied, or was not valid: then without its input', async () => {
    const user = randomUUID()
    await rest(user, 'actions/manage', { name: 'n' })
    await rest(user, 'actions/place', { name: 1, password: 'x' })
    expect(await rowsOf(user)).toMatchObject([
      { action: 'manage', outcome: 'FORBIDDEN', attempts: 0, input: null, inputHash: null },
      { action: 'place', outcome: 'BAD_REQUEST', attempts: 0, input: null, inputHash: null },
    ])
  })

  it('was an owner’s or a role’s, or says so, though it only read', async () => {
    const before = (await rowsOf('owner')).length
    await rest('owner', 'actions/own', { name: 'n' })
    expect((await rowsOf('owner')).slice(before)).toMatchObject([
      { action: 'own', outcome: 'OK', writes: [] },
    ])
    const user = randomUUID()
    await rest(user, 'actions/watched', { name: 'n' })
    expect(await rowsOf(user)).toMatchObject([{ action: 'watched', outcome: 'OK' }])
  })

  it('ran SQL of its own, and the log can be read all the same', async () => {
    const user = randomUUID()
    await rest(user, 'actions/raw', { name: 'n' })
    const owner = await shop.app.as('owner')
    expect(await owner.audit.list({ actor: user })).toMatchObject({
      data: { entries: [{ action: 'raw', writes: [['sql', '*', '*']], input: '{"name":"n"}' }] },
    })
  })

  it('wrote through records or users', async () => {
    const user = randomUUID()
    const data = { title: 't', startsAt: '2030-01-01T00:00:00Z', capacity: 1 }
    await rest(user, 'records/events', data)
    await rest(user, 'records/events', { ...data, capacity: -1 })
    await rest(user, 'users/register', {})
    expect(await rowsOf(user)).toMatchObject([
      { action: 'records.events.create', outcome: 'OK', writes: [{ op: 'create', collection: 'events' }] },
      { action: 'records.events.create', outcome: 'BAD_REQUEST', writes: [] },
      {
        action: 'users.register',
        outcome: 'OK',
        writes: [{ op: 'create', collection: 'users', recordId: user }],
      },
    ])
  })
})

describe('no row is left by a call that', () => {
  it('only read, only echoed, or was answered as before', async () => {
    const user = randomUUID()
    await rest(user, 'actions/look', { name: 'n' })
    await rest(user, 'actions/echo', { name: 'n' })
    const caller = await shop.as(user, 'k')
    await caller.actions.place({ name: 'n' })
    await caller.actions.place({ name: 'n' })
    expect(await rowsOf(user)).toMatchObject([{ action: 'place', transport: 'caller' }])
  })

  it('nobody who has signed in has made', async () => {
    const before = await shop.rows('select count(*)::int from deputy.audit_log')
    await post(`${url}/api/actions/place`, { body: '{"name":"n"}' })
    await post(`${url}/api/actions/place`, { token: 'a.b.c', body: '{"name":"n"}' })
    await post(`${url}/api/records/events`, { body: '{}' })
    expect(await shop.rows('select count(*)::int from deputy.audit_log')).toEqual(before)
  })
})

it('a field that is marked secret is in no row, no log and no answer', async () => {
  const [user, secret] = [randomUUID(), `secret-${randomUUID()}`]
  const caller = await shop.as(user, 'k')
  const answers = [
    await caller.actions.login({ name: 'n', password: secret }),
    await rest(user, 'actions/login', { name: 'n', password: secret, more: 1 }),
    await rest(user, 'actions/login', { name: 1, password: secret }),
  ]
  expect(await rowsOf(user)).toMatchObject([{ input: '{"name":"n","password":"[secret]"}' }, {}, {}])
  const tables = ['audit_log', 'audit_detail', 'idempotency_claims', 'idempotency_results', 'journal_steps']
  const kept = await Promise.all(tables.map((table) => shop.rows(`select t::text from deputy.${table} as t`)))
  expect(
    JSON.stringify([answers, kept, shop.app.logged], (_key, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  ).not.toContain(secret)
})

it('a call is one line in the log, whatever its caller sends', async () => {
  const user = randomUUID()
  const answer = await post(`${url}/api/actions/place`, {
    token: await shop.app.token(user),
    body: JSON.stringify({ name: 'a\r\n{"level":60}\u2028\u001b[31m' }),
  })
  const requestId = answer.headers.get('x-request-id')
  const lines = shop.app.logged.filter((line) => line.requestId === requestId)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({
    msg: 'Call',
    action: 'place',
    actor: user,
    code: 'OK',
    attempts: 1,
    transport: 'rest',
  })
  expect(lines[0]?.durationMs).toEqual(expect.any(Number))
})
