import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { type Answer, get, post } from './send.ts'

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp({ isOwnerUnmetered: true })
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const rows = async (sql: string, ...params: unknown[]) => (await app.database.query({ sql, params })).rows

interface Given {
  readonly user?: string
  readonly key?: string
  readonly body?: string
}

async function grantOverRest(input: unknown, { user = 'owner', key, body }: Given = {}): Promise<Answer> {
  return post(`${url}/api/credits/grant`, {
    token: await app.token(user),
    headers: key === undefined ? {} : { 'idempotency-key': key },
    body: body ?? JSON.stringify(input),
  })
}

async function show(path: string, user: string): Promise<Answer> {
  return get(`${url}/api/credits${path}`, { token: await app.token(user) })
}

/** The app as the owner calls it in process with a key. */
async function ownerWith(idempotencyKey?: string) {
  const token = await app.token('owner')
  return app.createCaller(idempotencyKey === undefined ? { token } : { token, idempotencyKey })
}

describe('a grant', () => {
  it('over REST is made once, and answered as before with the header', async () => {
    const [account, key] = [randomUUID(), randomUUID()]
    const first = await grantOverRest({ account, amount: 5_000_000 }, { key })
    const again = await grantOverRest({ account, amount: 5_000_000 }, { key })
    const answer = { success: true, data: { account, available: 5_000_000, reserved: 0, granted: 5_000_000 } }
    expect(first).toMatchObject({ status: 200, json: answer })
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect(again).toMatchObject({ status: 200, text: first.text })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect((await show(`?account=${account}`, 'owner')).json).toEqual({
      success: true,
      data: { account, available: 5_000_000, reserved: 0 },
    })
  })

  it('shares its key among the transports', async () => {
    const [account, key] = [randomUUID(), randomUUID()]
    const owner = await ownerWith(key)
    expect(await owner.credits.grant({ account, amount: 5 })).toMatchObject({ data: { available: 5 } })
    expect((await grantOverRest({ account, amount: 5 }, { key })).headers.get('idempotency-replayed')).toBe(
      'true',
    )
    const batch = await post(`${url}/trpc/credits.grant,credits.grant?batch=1`, {
      token: await app.token('owner'),
      headers: { 'idempotency-key': `${key},${randomUUID()}` },
      body: JSON.stringify({ 0: { json: { account, amount: 5 } }, 1: { json: { account, amount: 6 } } }),
    })
    expect(batch).toMatchObject({ status: 200 })
    expect(batch.headers.get('idempotency-replayed')).toBe('true,false')
    expect(await owner.credits.balance({ account })).toMatchObject({ data: { available: 11 } })
  })

  it('of something else under its key is 422', async () => {
    const [account, key] = [randomUUID(), randomUUID()]
    await grantOverRest({ account, amount: 5 }, { key })
    for (const other of [
      { account, amount: 6 },
      { account: randomUUID(), amount: 5 },
    ]) {
      expect(await grantOverRest(other, { key })).toMatchObject({
        status: 422,
        json: { code: 'UNPROCESSABLE_CONTENT' },
      })
    }
    const owner = await ownerWith(key)
    await expect(owner.credits.grant({ account, amount: 6 })).rejects.toMatchObject({
      code: 'UNPROCESSABLE_CONTENT',
    })
    expect(await owner.credits.balance({ account })).toMatchObject({ data: { available: 5 } })
  })

  it('without a key, or with a malformed one, is 400 on every transport', async () => {
    const account = randomUUID()
    const input = { account, amount: 5 }
    for (const key of [undefined, 'a b', 'start/OWNER_CREDITS/owner', 'k'.repeat(256)]) {
      expect(await grantOverRest(input, key === undefined ? {} : { key }), key).toMatchObject({
        status: 400,
        json: { code: 'BAD_REQUEST', error: expect.stringContaining('Idempotency-Key') },
      })
      await expect((await ownerWith(key)).credits.grant(input)).rejects.toMatchObject({
        code: 'BAD_REQUEST',
        message: expect.stringContaining('Idempotency-Key'),
      })
    }
    const trpc = await post(`${url}/trpc/credits.grant`, {
      token: await app.token('owner'),
      body: JSON.stringify({ json: input }),
    })
    expect(trpc).toMatchObject({ status: 400, text: expect.stringContaining('Idempotency-Key') })
    expect(await rows('select 1 from deputy.credit_accounts where account = $1', account)).toEqual([])
  })

  it('is the owner’s alone to make', async () => {
    const input = { account: 'ada', amount: 5 }
    const key = randomUUID()
    expect((await post(`${url}/api/credits/grant`, { body: JSON.stringify(input) })).status).toBe(401)
    expect(await grantOverRest(input, { user: 'ada', key })).toMatchObject({
      status: 403,
      json: { code: 'FORBIDDEN' },
    })
    // Who may not grant is not told what would have been right.
    expect((await grantOverRest({ nonsense: 1 }, { user: 'ada' })).status).toBe(403)
    const admin = await app.as('grant-admin', { name: 'Admin' })
    await admin.users.register()
    await (await app.as('owner')).users.setRole({ userId: 'grant-admin', role: 'admin' })
    expect((await grantOverRest(input, { user: 'grant-admin', key })).status).toBe(403)
    await expect(app.createCaller().credits.grant(input)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(await rows('select 1 from deputy.credit_entries where grant_key = $1', key)).toEqual([])
  })

  it.each([
    ['0', 'amount'],
    ['-1', 'amount'],
    ['0.5', 'amount'],
    ['1e16', 'amount'],
    ['9007199254740993', 'amount'],
    ['9000000000000001', 'amount'],
    ['"5"', 'amount'],
    ['null', 'amount'],
    ['[5]', 'amount'],
    ['5, "payer": "owner"', 'payer'],
    ['5, "account": ""', 'account'],
    ['5, "account": "a\\u2028b"', 'account'],
    ['5, "account": "__proto__"', 'account'],
    ['5, "account": null', 'account'],
    ['NaN', 'JSON'],
  ])('of {"amount": %s} is refused and names %s', async (amount, named) => {
    const [account, key] = [randomUUID(), randomUUID()]
    const body = `{ "account": "${account}", "amount": ${amount} }`
    expect(await grantOverRest(undefined, { key, body })).toMatchObject({
      status: 400,
      json: { code: 'BAD_REQUEST', error: expect.stringContaining(named) },
    })
    expect(await rows('select 1 from deputy.credit_entries where grant_key = $1', key)).toEqual([])
  })

  it('may fill an account and not overfill it', async () => {
    const account = randomUUID()
    expect(await grantOverRest({ account, amount: 9e15 }, { key: randomUUID() })).toMatchObject({
      status: 200,
      json: { data: { available: 9e15 } },
    })
    expect(await grantOverRest({ account, amount: 1 }, { key: randomUUID() })).toMatchObject({
      status: 400,
      json: { code: 'BAD_REQUEST', issues: [{ path: ['amount'] }] },
    })
  })

  it('leaves an audit row when it is made and when it is refused, and none when it is only repeated', async () => {
    const [account, key] = [randomUUID(), randomUUID()]
    await grantOverRest({ account, amount: 5 }, { key })
    await grantOverRest({ account, amount: 5 }, { key })
    await grantOverRest({ account, amount: 6 }, { key })
    await grantOverRest({ account, amount: 5 }, { key, user: account })
    const audited = await rows(
      `select log.actor, log.action, log.outcome, detail.input from deputy.audit_log as log
       join deputy.audit_detail as detail using (id) where log.actor = $1 or detail.input like '%' || $1 || '%' order by log.id`,
      account,
    )
    expect(audited).toEqual([
      ['owner', 'credits.grant', 'OK', JSON.stringify({ account, amount: 5 })],
      ['owner', 'credits.grant', 'UNPROCESSABLE_CONTENT', JSON.stringify({ account, amount: 6 })],
      [account, 'credits.grant', 'FORBIDDEN', null],
    ])
  })
})

describe('a balance and a statement', () => {
  it('are one’s own, and the owner’s to see of everybody', async () => {
    const [account, key] = [randomUUID(), randomUUID()]
    await grantOverRest({ account, amount: 5 }, { key })
    const balance = { success: true, data: { account, available: 5, reserved: 0 } }
    expect((await show('', account)).json).toEqual(balance)
    expect((await show(`?account=${account}`, account)).json).toEqual(balance)
    expect((await show(`?account=${account}`, 'owner')).json).toEqual(balance)
    const entries = [
      {
        kind: 'grant',
        availableDelta: 5,
        at: expect.stringMatching(/Z$/),
        grantKey: key,
        grantedBy: 'owner',
      },
    ]
    for (const [path, user] of [
      ['/statement', account],
      [`/statement?account=${account}`, account],
      [`/statement?account=${account}&limit=1`, 'owner'],
    ] as const) {
      expect(await show(path, user)).toMatchObject({
        status: 200,
        json: { data: { account, entries, nextCursor: null } },
      })
    }
    const mine = (await app.as(account)).credits
    expect(await mine.balance()).toEqual(balance)
    expect(await mine.statement()).toMatchObject({ data: { entries: [{ at: expect.any(Date) }] } })
  })

  it('of somebody else are 403, whoever asks, and whether or not they exist', async () => {
    await grantOverRest({ account: 'bill', amount: 5 }, { key: randomUUID() })
    const answers = await Promise.all(
      ['?account=bill', '?account=nobody', '/statement?account=bill', '/statement?account=nobody'].map(
        (path) => show(path, 'ada'),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    const ada = await app.as('ada')
    await expect(ada.credits.balance({ account: 'bill' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(ada.credits.statement({ account: 'owner' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  it('need a token', async () => {
    for (const path of ['', '/statement', '/nothing']) {
      expect((await get(`${url}/api/credits${path}`)).status).toBe(401)
      expect((await get(`${url}/api/credits${path}`, { token: 'x.y.z' })).status).toBe(401)
    }
    await expect(app.createCaller().credits.balance()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })

  it('go on with the cursor, for one’s own account alone', async () => {
    const account = randomUUID()
    for (const amount of [1, 2, 3]) await grantOverRest({ account, amount }, { key: randomUUID() })
    const first = await show('/statement?limit=2', account)
    expect(first.json).toMatchObject({ data: { entries: [{ availableDelta: 3 }, { availableDelta: 2 }] } })
    const { nextCursor } = first.json.data as { nextCursor: string }
    expect((await show(`/statement?limit=2&cursor=${nextCursor}`, account)).json).toMatchObject({
      data: { entries: [{ availableDelta: 1 }], nextCursor: null },
    })
    expect(await show(`/statement?cursor=${nextCursor}`, 'ada')).toMatchObject({
      status: 400,
      json: { code: 'BAD_REQUEST', issues: [{ path: ['cursor'] }] },
    })
  })

  it.each([
    ['?account=', 'account'],
    ['?account=a&account=b', 'account'],
    ['?account=%00', 'account'],
    ['?account=__proto__', 'account'],
    ['?limit=1', 'limit'],
    ['?acount=ada', 'acount'],
    ['/statement?limit=0', 'limit'],
    ['/statement?limit=201', 'limit'],
    ['/statement?limit=1e2', 'limit'],
    ['/statement?limit=-1', 'limit'],
    ['/statement?cursor=x', 'cursor'],
  ])('refuse %s and name %s', async (path, named) => {
    expect(await show(path, 'owner')).toMatchObject({
      status: 400,
      json: { code: 'BAD_REQUEST', error: expect.stringContaining(named) },
    })
  })

  it.each([
    ['POST', '', 405, 'GET'],
    ['DELETE', '/statement', 405, 'GET'],
    ['GET', '/grant', 405, 'POST'],
    ['HEAD', '', 200, null],
    ['GET', '/', 404, null],
    ['GET', '/ada', 404, null],
    ['GET', '/constructor', 404, null],
  ])('answer %s %s with %i', async (method, path, status, allow) => {
    const answer = await get(`${url}/api/credits${path}`, { token: await app.token('owner') }, method)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('allow')).toBe(allow)
  })
})

it('without OWNER_USER_ID nobody grants, and nobody sees another account', async () => {
  await using ownerless = await createTestApp({ ownerUserId: undefined })
  const caller = ownerless.createCaller({ token: await ownerless.token('owner'), idempotencyKey: 'k' })
  await expect(caller.credits.grant({ account: 'ada', amount: 5 })).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: expect.stringContaining('OWNER_USER_ID is not set'),
  })
  await expect(caller.credits.balance({ account: 'ada' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(await caller.credits.balance()).toEqual({
    success: true,
    data: { account: 'owner', available: 0, reserved: 0 },
  })
})

it('the owner’s account says that it has no limit, and no other does', async () => {
  const [owner, ada] = [await app.as('owner'), await app.as(randomUUID())]
  const nothing = { available: 0, reserved: 0 }
  const unmetered = { success: true, data: { account: 'owner', ...nothing, unmetered: true } }
  expect(await owner.credits.balance()).toEqual(unmetered)
  expect((await show('?account=owner', 'owner')).json).toEqual(unmetered)
  const account = randomUUID()
  const limited = { success: true, data: { account, ...nothing } }
  expect(await owner.credits.balance({ account })).toEqual(limited)
  expect(await ada.credits.balance()).toMatchObject({ success: true, data: nothing })
  expect(await ada.credits.balance()).not.toHaveProperty('data.unmetered')
})
