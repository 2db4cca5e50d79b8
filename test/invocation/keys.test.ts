import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sweepKeys } from '../../server/lifecycle/sweeper.ts'
import { get, post } from '../http/send.ts'
import { openShop, type Shop } from './shop.ts'

let shop: Shop
let url: string
beforeAll(async () => {
  shop = await openShop()
  url = await shop.app.listen()
})
afterAll(() => shop[Symbol.asyncDispose]())
beforeEach(() => {
  shop.script.afterPay = () => {}
  shop.script.onFailpoint = () => {}
})

const rest = async (user: string, path: string, key: string, body: unknown) =>
  post(`${url}/api/${path}`, {
    token: await shop.app.token(user),
    headers: { 'idempotency-key': key },
    body: JSON.stringify(body),
  })
const fresh = () => ({ name: randomUUID(), key: randomUUID() })

describe('a key', () => {
  it('gives the same answer again, and does nothing a second time', async () => {
    const { name, key } = fresh()
    const first = await rest('ada', 'actions/place', key, { name })
    expect(first.status).toBe(200)
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    const second = await rest('ada', 'actions/place', key, { name })
    expect(second.text).toBe(first.text)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(await shop.count(name)).toBe(1)
    // The same answer on another transport, with its own types.
    const inProcess = await (await shop.as('ada', key)).actions.place({ name })
    expect(inProcess).toMatchObject({ data: { at: expect.any(Date), big: 12_345_678_901_234_567_890n } })
    expect(JSON.parse(first.text).data.recordId).toBe(inProcess.success && inProcess.data.recordId)
  })

  it('belongs to a user and an action', async () => {
    const { name, key } = fresh()
    await rest('ada', 'actions/place', key, { name })
    await rest('bob', 'actions/place', key, { name })
    await rest('ada', 'actions/pay', key, { name })
    expect(await shop.count(name)).toBe(3)
  })

  it('is refused with another input', async () => {
    const { name, key } = fresh()
    await rest('ada', 'actions/place', key, { name })
    const other = await rest('ada', 'actions/place', key, { name: 'other' })
    expect(other).toMatchObject({ status: 422, json: { code: 'UNPROCESSABLE_CONTENT' } })
    // The order of keys in JSON is no difference.
    const same = await post(`${url}/api/actions/login`, {
      token: await shop.app.token('ada'),
      headers: { 'idempotency-key': key },
      body: '{"name":"n","password":"p"}',
    })
    const turned = await rest('ada', 'actions/login', key, { password: 'p', name: 'n' })
    expect(turned.text).toBe(same.text)
  })

  it.each(['', ' ', 'a b', 'a,b', 'ä', 'x'.repeat(256), 'a;b', '"q"'])('like %j is refused', async (key) => {
    const { name } = fresh()
    expect(await rest('ada', 'actions/place', key, { name })).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('1 to 255 letters') },
    })
    expect(await shop.count(name)).toBe(0)
  })

  it('of 255 characters is taken, and one that is given twice is not', async () => {
    const { name } = fresh()
    expect((await rest('ada', 'actions/place', 'x'.repeat(255), { name })).status).toBe(200)
    const twice = await post(`${url}/api/actions/place`, {
      token: await shop.app.token('ada'),
      headers: { 'idempotency-key': 'a, b' },
      body: JSON.stringify({ name }),
    })
    expect(twice.status).toBe(400)
  })

  it('is for who is signed in and for what writes', async () => {
    const { name, key } = fresh()
    expect((await rest('ada', 'actions/look', key, { name })).json).toMatchObject({
      code: 'BAD_REQUEST',
      error: expect.stringContaining('only reads'),
    })
    for (const path of ['records/events', 'records/events/x', 'users/me', 'audit']) {
      const read = await get(`${url}/api/${path}`, {
        token: await shop.app.token('owner'),
        headers: { 'idempotency-key': key },
      })
      expect(read, path).toMatchObject({
        status: 400,
        json: { error: expect.stringContaining('only reads') },
      })
    }
    // In process it goes with the mutations that are called, as its option says.
    const caller = await shop.as('ada', key)
    expect(await caller.actions.look({ name })).toMatchObject({ success: true })
    expect(await caller.records.events.count()).toMatchObject({ success: true })
    const anonymous = await post(`${url}/api/records/events`, {
      headers: { 'idempotency-key': key },
      body: JSON.stringify({ title: 'x', startsAt: '2030-01-01T00:00:00Z', capacity: 1 }),
    })
    expect(anonymous.json).toMatchObject({ code: 'BAD_REQUEST', error: expect.stringContaining('sign in') })
  })

  it('opens no gate: whoever has lost a role is shown nothing', async () => {
    const { name, key } = fresh()
    const user = randomUUID()
    const owner = await shop.app.as('owner')
    await (await shop.app.as(user)).users.register()
    await owner.users.setRole({ userId: user, role: 'admin' })
    expect((await rest(user, 'actions/manage', key, { name })).status).toBe(200)
    await owner.users.setRole({ userId: user, role: 'member' })
    const again = await rest(user, 'actions/manage', key, { name })
    expect(again).toMatchObject({ status: 403 })
    expect(again.headers.get('idempotency-replayed')).toBeNull()
  })

  it('covers writes through records, and an action that touches no data', async () => {
    const { name, key } = fresh()
    const data = { title: name, startsAt: '2030-01-01T00:00:00Z', capacity: 1 }
    const first = await rest('ada', 'records/events', key, data)
    expect(first.status).toBe(200)
    expect((await rest('ada', 'records/events', key, data)).text).toBe(first.text)
    expect(await shop.count(name)).toBe(1)
    expect((await rest('ada', 'actions/echo', key, { name })).headers.get('idempotency-replayed')).toBeNull()
    expect((await rest('ada', 'actions/echo', key, { name })).headers.get('idempotency-replayed')).toBe(
      'true',
    )
  })

  it('is free again after a failure that did nothing outside', async () => {
    const { name, key } = fresh()
    for (let n = 0; n < 2; n += 1)
      expect((await rest('ada', 'actions/refuse', key, { name })).json).toMatchObject({
        error: 'The shop is closed.',
      })
    // Nothing of it is left, so that another input may use it.
    expect((await rest('ada', 'actions/refuse', key, { name: 'other' })).status).toBe(409)
    expect(await shop.count(name)).toBe(0)
  })

  it('is refused while its call is under way, and says when to come back', async () => {
    const { name, key } = fresh()
    let second: Awaited<ReturnType<typeof rest>> | undefined
    shop.script.onFailpoint = async (point) => {
      if (point !== 'after-claim' || second) return
      shop.script.onFailpoint = () => {}
      second = await rest('ada', 'actions/place', key, { name })
    }
    expect((await rest('ada', 'actions/place', key, { name })).status).toBe(200)
    expect(second).toMatchObject({ status: 409, json: { error: expect.stringContaining('still running') } })
    expect(second?.headers.get('retry-after')).toBe('1')
    expect(await shop.count(name)).toBe(1)
  })
})

describe('a key whose holder died', () => {
  it('is taken over when its lease has ended', async () => {
    const { name, key } = fresh()
    shop.script.onFailpoint = (point) => {
      if (point === 'after-claim') throw new Error('died')
    }
    expect((await rest('ada', 'actions/place', key, { name })).status).toBe(500)
    shop.script.onFailpoint = () => {}
    expect((await rest('ada', 'actions/place', key, { name })).status).toBe(409)
    await shop.endLeases()
    expect((await rest('ada', 'actions/place', key, { name: 'other' })).status).toBe(422)
    expect((await rest('ada', 'actions/place', key, { name })).status).toBe(200)
    expect(await shop.count(name)).toBe(1)
  })
})

describe('the journal of a key', () => {
  it('keeps an answer of the outside through a failure: the next call goes on with it', async () => {
    const { name, key } = fresh()
    const before = shop.bank.calls('bank/charge').length
    shop.script.afterPay = () => {
      throw new Error('after the bank')
    }
    expect((await rest('ada', 'actions/pay', key, { name })).status).toBe(500)
    expect(await shop.count(name)).toBe(0)
    shop.script.afterPay = () => {}
    expect((await rest('ada', 'actions/pay', key, { name })).status).toBe(200)
    expect(shop.bank.calls('bank/charge')).toHaveLength(before + 1)
    expect(await shop.count(name)).toBe(1)
  })

  it('tells that an outcome is unknown instead of calling again', async () => {
    const { name, key } = fresh()
    shop.script.onFailpoint = (point) => {
      if (point === 'after-step-sent') throw new Error('died')
    }
    await rest('ada', 'actions/pay', key, { name })
    shop.script.onFailpoint = () => {}
    const before = shop.bank.calls('bank/charge').length
    const again = await rest('ada', 'actions/pay', key, { name })
    expect(again).toMatchObject({
      status: 502,
      json: { error: expect.stringContaining('outcome is unknown') },
    })
    expect(shop.bank.calls('bank/charge')).toHaveLength(before)
  })

  it('goes on with an answer that was kept, though nobody saw it', async () => {
    const { name, key } = fresh()
    shop.script.onFailpoint = (point) => {
      if (point === 'after-step-answered') throw new Error('died')
    }
    await rest('ada', 'actions/pay', key, { name })
    shop.script.onFailpoint = () => {}
    const before = shop.bank.calls('bank/charge').length
    expect((await rest('ada', 'actions/pay', key, { name })).status).toBe(200)
    expect(shop.bank.calls('bank/charge')).toHaveLength(before)
    expect(await shop.count(name)).toBe(1)
  })

  it('forgets what the outside has refused, so that it can be tried again', async () => {
    const { name, key } = fresh()
    shop.bank.on('bank/charge', (_received, response) => {
      response.writeHead(402, { 'content-type': 'application/json' }).end('{"error":"no money"}')
    })
    expect((await rest('ada', 'actions/pay', key, { name })).status).toBe(402)
    shop.bank.on('bank/charge', (_received, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true,"data":{}}')
    })
    expect((await rest('ada', 'actions/pay', key, { name })).status).toBe(200)
    expect(await shop.count(name)).toBe(1)
  })
})

describe('a batch', () => {
  const batch = async (user: string, keys: string, names: readonly string[]) =>
    post(`${url}/trpc/${names.map(() => 'actions.place').join(',')}?batch=1`, {
      token: await shop.app.token(user),
      headers: { 'idempotency-key': keys },
      body: JSON.stringify(Object.fromEntries(names.map((name, at) => [at, { json: { name } }]))),
    })

  it('has a key for each of its calls, and none for an empty slot', async () => {
    const [a, b, c] = [fresh(), fresh(), fresh()]
    const names = [a.name, b.name, c.name]
    const first = await batch('ada', `${a.key},,${c.key}`, names)
    expect(first.headers.get('idempotency-replayed')).toBe('false,false,false')
    const second = await batch('ada', `${a.key}, ,${c.key}`, names)
    expect(second.headers.get('idempotency-replayed')).toBe('true,false,true')
    expect(await Promise.all(names.map((name) => shop.count(name)))).toEqual([1, 2, 1])
  })

  it('with the same key twice does it once', async () => {
    const { name, key } = fresh()
    await batch('ada', `${key},${key}`, [name, name])
    expect(await shop.count(name)).toBe(1)
  })

  it('whose keys are miscounted is refused whole', async () => {
    const { name, key } = fresh()
    const answer = await batch('ada', key, [name, name])
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('1 slots for 2 calls')
    expect(await shop.count(name)).toBe(0)
  })

  it('with a malformed key spoils that call alone', async () => {
    const [a, b] = [fresh(), fresh()]
    const answer = await batch('ada', `bad key,${b.key}`, [a.name, b.name])
    expect(answer.text).toContain('1 to 255 letters')
    expect([await shop.count(a.name), await shop.count(b.name)]).toEqual([0, 1])
  })
})

it('keys are swept after a day, but not one that somebody is at work on', async () => {
  const [old, busy] = [fresh(), fresh()]
  await rest('ada', 'actions/place', old.key, { name: old.name })
  await rest('ada', 'actions/place', busy.key, { name: busy.name })
  await shop.endLeases()
  await shop.run(`
    update deputy.idempotency_claims set created_at = now() - interval '25 hours' where key in ('${old.key}', '${busy.key}');
    update deputy.idempotency_claims set lease_until = now() + interval '1 minute' where key = '${busy.key}'`)
  // A holder that was given up wrote it after its key was forgotten.
  await shop.run(`insert into deputy.journal_steps (actor, action, key, identity, name, token, state, created_at)
    values ('ada', 'place', 'nobody''s', 'i', 'n', 't', 'sent', now() - interval '26 hours')`)
  expect(await sweepKeys(shop.app.database)).toBe(2)
  expect(await shop.rows("select 1 from deputy.journal_steps where key = 'nobody''s'")).toEqual([])
  expect(await shop.rows('select 1 from deputy.idempotency_results where key = $1', old.key)).toEqual([])
  expect(await shop.rows('select 1 from deputy.idempotency_results where key = $1', busy.key)).toEqual([[1]])
  await rest('ada', 'actions/place', old.key, { name: old.name })
  expect(await shop.count(old.name)).toBe(2)
})
