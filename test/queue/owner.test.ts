import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { claimWork } from '../../server/queue/claim.ts'
import { markSent } from '../../server/queue/save-outcome.ts'
import { encodeInstantCursor } from '../../server/wire/cursor.ts'
import { get, post as postJson } from '../http/send.ts'
import { json } from '../integrations/upstream.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { openPost, type Post, SMS_PRICE, sms } from './post.ts'

let post: Post
let url: string
let owner: Awaited<ReturnType<Post['app']['as']>>
beforeAll(async () => {
  post = await openPost()
  url = await post.app.listen()
  owner = await post.app.as('owner')
})
afterAll(() => post[Symbol.asyncDispose]())

let ada = ''
beforeEach(async () => {
  ada = `ada-${randomUUID()}`
  await fund(post.app.database, ada, SMS_PRICE)
  post.provider.onPath('/sms', (_received, response) => json(response, 200, {}))
})
afterEach(async () => {
  await post.stopSending()
  await checkLedger(post.app.database)
  await post.change('truncate deputy.queue')
})

async function queue(userId = ada): Promise<string> {
  const queued = await post.act((ctx) => sms(ctx, userId), userId)
  if (!queued.success) throw new Error(queued.error)
  return (queued.data as { messageId: string }).messageId
}
/** A message that its provider has refused. */
async function deadMessage(attempts = 0): Promise<string> {
  post.provider.onPath('/sms', (_received, response) => json(response, 400, { message: 'No such number' }))
  const id = await queue()
  await post.change(`update deputy.queue set attempts = ${attempts}`)
  post.startSending()
  await expect.poll(() => post.count('dead')).toBe(1)
  await post.stopSending()
  post.provider.onPath('/sms', (_received, response) => json(response, 200, {}))
  return id
}
/** One that may have arrived, and was charged when it was given up. */
async function unknownMessage(): Promise<string> {
  post.provider.onPath('/sms', (_received, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
    response.write('{', () => response.destroy())
  })
  const id = await queue()
  await post.change('update deputy.queue set attempts = 12')
  post.startSending()
  await expect.poll(() => post.count('dead')).toBe(1)
  await post.stopSending()
  post.provider.onPath('/sms', (_received, response) => json(response, 200, {}))
  return id
}
const take = (leaseMs: number) => claimWork(post.app.database, { token: 'a server', leaseMs, limit: 8 })
const balance = () => accountOf(post.app.database, ada)
const received = () => post.received('/sms').filter(({ body }) => (body as { to: string }).to === ada)
const spent = async () => {
  const sql =
    "select coalesce(sum(cost), 0) from deputy.credit_entries where account = $1 and kind = 'settle'"
  return Number((await post.rows(sql, ada))[0]?.[0])
}

describe('outbox.list', () => {
  it('tells everything about a message that has not arrived', async () => {
    const id = await deadMessage()
    expect(await owner.outbox.list()).toEqual(
      ok({
        messages: [
          {
            id,
            state: 'dead',
            endpoint: 'sms/send',
            data: { to: ada },
            payer: 'caller',
            caller: ada,
            action: 'act',
            invocation: expect.any(String),
            createdAt: expect.any(Date),
            attempts: 1,
            dueAt: expect.any(Date),
            lastError: 'BAD_REQUEST: "sms/send": No such number',
            isUnknown: false,
            maxCost: SMS_PRICE,
          },
        ],
        nextCursor: null,
      }),
    )
  })

  it('does not tell what the endpoint marks secret, which is sent all the same', async () => {
    const pin = randomUUID()
    await post.act((ctx) => ctx.tools.enqueue('sms/send', { to: ada, pin }), ada)
    expect(await owner.outbox.list()).toMatchObject({
      data: { messages: [{ data: { to: ada, pin: '[secret]' } }] },
    })
    post.startSending()
    await expect.poll(received).toMatchObject([{ body: { to: ada, pin } }])
    await expect.poll(() => post.rows('select 1 from deputy.queue')).toEqual([])
  })

  const mostOf = async (id: string) => {
    const listed = await owner.outbox.list()
    return listed.success ? listed.data.messages.find((each) => each.id === id)?.maxCost : undefined
  }

  it('says what a message that waits costs at most: what is reserved for it, whatever the price is now', async () => {
    const id = await queue()
    expect(await mostOf(id)).toBe(SMS_PRICE)
    const reserve = (amount: number) =>
      post.change(`update deputy.credit_holds set amount = ${amount} where effect = '${id}'`)
    await reserve(SMS_PRICE - 1)
    expect(await mostOf(id)).toBe(SMS_PRICE - 1)
    await reserve(SMS_PRICE)
  })

  it('says that nothing more is paid for a message that was charged, since it may have arrived', async () => {
    expect(await mostOf(await unknownMessage())).toBe(0)
  })

  it('says of no message what it costs that a proxy bills, or that cannot be sent as the app is now', async () => {
    const proxied = await post.act((ctx) => ctx.tools.enqueue('elsewhere/send', { to: 'x' }), ada)
    expect(proxied).toMatchObject({ success: true })
    if (proxied.success) expect(await mostOf((proxied.data as { messageId: string }).messageId)).toBe(null)
    const id = await queue()
    await post.change(`update deputy.queue set lane = 'sms/gone' where id = '${id}'`)
    expect(await mostOf(id)).toBe(null)
  })

  it('goes through all of them, newest first, a page at a time, on every transport', async () => {
    await fund(post.app.database, ada, SMS_PRICE * 10)
    await post.act(async (ctx) => {
      for (let nth = 0; nth < 4; nth += 1) await ctx.tools.enqueue('sms/send', { to: String(nth) })
      return sms(ctx, 'last')
    }, ada)
    await queue()
    const all = await owner.outbox.list()
    const ids = all.success ? all.data.messages.map(({ id }) => id) : []
    expect(ids).toHaveLength(6)
    const token = await post.app.token('owner')
    const seen: unknown[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await get(`${url}/api/outbox?limit=4&state=queued${cursor && `&cursor=${cursor}`}`, {
        token,
      })
      expect(page.status).toBe(200)
      const data = page.json.data as { messages: { id: string }[]; nextCursor: string | null }
      seen.push(...data.messages.map(({ id }) => id))
      cursor = data.nextCursor
    }
    expect(seen).toEqual(ids)
    expect(await owner.outbox.list({ state: 'dead' })).toEqual(ok({ messages: [], nextCursor: null }))
  })

  it.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=1.5', 'limit'],
    ['state=sent', 'state'],
    ['cursor=abc', 'cursor'],
    [`cursor=${encodeInstantCursor({ list: 'audit', filters: {} }, { at: new Date(0), id: 'x' })}`, 'cursor'],
    [
      `state=dead&cursor=${encodeInstantCursor({ list: 'outbox', filters: {} }, { at: new Date(0), id: 'x' })}`,
      'cursor',
    ],
    ['other=1', 'other'],
  ])('refuses %s', async (query, name) => {
    const answer = await get(`${url}/api/outbox?${query}`, { token: await post.app.token('owner') })
    expect(answer).toMatchObject({ status: 400, json: { error: expect.stringContaining(name) } })
  })
})

describe('outbox.retry', () => {
  it('has a dead message paid anew and sent under its key', async () => {
    const id = await deadMessage(5)
    expect(await balance()).toEqual({ available: SMS_PRICE, reserved: 0 })
    expect(await owner.outbox.retry({ id })).toEqual(ok({ id }))
    expect(await balance()).toEqual({ available: 0, reserved: SMS_PRICE })
    expect(await post.rows('select state, attempts from deputy.queue where due_at <= now()')).toEqual([
      ['queued', 0],
    ])
    post.startSending()
    await expect.poll(() => post.rows('select 1 from deputy.queue')).toEqual([])
    expect(new Set(received().map(({ idempotencyKey }) => idempotencyKey))).toEqual(new Set([id]))
    expect(await spent()).toBe(SMS_PRICE)
  })

  it('does not charge a message again that was charged since it may have arrived', async () => {
    const id = await unknownMessage()
    expect(await spent()).toBe(SMS_PRICE)
    expect(await owner.outbox.retry({ id })).toEqual(ok({ id }))
    post.startSending()
    await expect.poll(() => post.rows('select 1 from deputy.queue')).toEqual([])
    expect(received()).toHaveLength(2)
    expect(await spent()).toBe(SMS_PRICE)
    expect(await balance()).toEqual({ available: 0, reserved: 0 })
  })

  it('leaves a message dead that cannot be paid', async () => {
    const id = await deadMessage()
    const others = await post.act((ctx) => sms(ctx, 'another'), ada)
    expect(others).toMatchObject({ success: true })
    expect(await owner.outbox.retry({ id })).toMatchObject({
      code: 'PAYMENT_REQUIRED',
      details: { availableCredits: 0, requiredCredits: SMS_PRICE },
    })
    expect(await post.count('dead')).toBe(1)
  })

  it('lets one that waits be sent at once, and reserves nothing more for it', async () => {
    const id = await queue()
    await post.change("update deputy.queue set due_at = now() + interval '1 hour', attempts = 3")
    expect(await owner.outbox.retry({ id })).toEqual(ok({ id }))
    expect(await post.rows('select attempts from deputy.queue where due_at <= now()')).toEqual([[3]])
    expect(await balance()).toEqual({ available: 0, reserved: SMS_PRICE })
  })

  it('many at once of one message reserve once', async () => {
    const id = await deadMessage()
    const retries = await Promise.all(Array.from({ length: 8 }, () => owner.outbox.retry({ id })))
    expect(retries).toEqual(retries.map(() => ok({ id })))
    expect(await balance()).toEqual({ available: 0, reserved: SMS_PRICE })
  })
})

describe('outbox.drop', () => {
  it('gives back what was reserved for a message', async () => {
    const id = await queue()
    expect(await owner.outbox.drop({ id })).toEqual(ok({ id }))
    expect(await balance()).toEqual({ available: SMS_PRICE, reserved: 0 })
    expect(await post.rows('select 1 from deputy.queue')).toEqual([])
  })

  it.each([
    ['was told of', true],
    ['a dead server was at', false],
  ])('charges a message that may have arrived: %s', async (_what, isTold) => {
    const id = await queue()
    if (isTold) await post.change('update deputy.queue set is_unknown = true')
    else {
      await take(0)
      await markSent(post.app.database, id, 'a server')
    }
    expect(await owner.outbox.drop({ id })).toEqual(ok({ id }))
    expect(await balance()).toEqual({ available: 0, reserved: 0 })
    expect(await spent()).toBe(SMS_PRICE)
  })

  it('of a dead message changes nothing in the ledger', async () => {
    const id = await deadMessage()
    const entries = await post.rows('select count(*) from deputy.credit_entries')
    expect(await owner.outbox.drop({ id })).toEqual(ok({ id }))
    expect(await post.rows('select count(*) from deputy.credit_entries')).toEqual(entries)
  })
})

describe.each(['retry', 'drop'] as const)('outbox.%s', (verb) => {
  it('of a message that is being sent is CONFLICT', async () => {
    const id = await queue()
    await take(60_000)
    expect(await owner.outbox[verb]({ id })).toMatchObject({ success: false, code: 'CONFLICT' })
    expect(await post.count('queued')).toBe(1)
  })

  it('of a message that is not there is NOT_FOUND', async () => {
    expect(await owner.outbox[verb]({ id: 'x' })).toMatchObject({ success: false, code: 'NOT_FOUND' })
  })

  it('repeated under its key answers as before', async () => {
    const id = await queue()
    const sending = {
      token: await post.app.token('owner'),
      headers: { 'idempotency-key': randomUUID() },
      body: JSON.stringify({ id }),
    }
    const first = await postJson(`${url}/api/outbox/${verb}`, sending)
    expect(first).toMatchObject({ status: 200, json: { data: { id } } })
    const second = await postJson(`${url}/api/outbox/${verb}`, sending)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.json).toEqual(first.json)
  })

  it('leaves an audit row, and so does its refusal', async () => {
    const id = await queue()
    await owner.outbox[verb]({ id })
    await (await post.app.as(ada)).outbox[verb]({ id }).catch(() => undefined)
    const sql =
      'select actor, outcome from deputy.audit_log where action = $1 order by at desc, id desc limit 2'
    const rows = await post.rows(sql, `outbox.${verb}`)
    expect(rows).toEqual([
      [ada, 'FORBIDDEN'],
      ['owner', 'OK'],
    ])
  })
})

describe('the outbox', () => {
  const calls = [
    ['GET', ''],
    ['POST', '/retry'],
    ['POST', '/drop'],
  ] as const
  const send = (method: 'GET' | 'POST', path: string, token?: string) =>
    method === 'GET'
      ? get(`${url}/api/outbox${path}`, { token })
      : postJson(`${url}/api/outbox${path}`, { token, body: '{"id":"x"}' })

  it.each(calls)('is for the owner alone: %s /api/outbox%s', async (method, path) => {
    expect((await send(method, path)).status).toBe(401)
    expect((await send(method, path, 'a.b.c')).status).toBe(401)
    expect((await send(method, path, await post.app.token(ada))).status).toBe(403)
    expect((await send(method, path, await post.app.token('owner'))).status).toBe(path === '' ? 200 : 404)
  })

  it('is closed to everybody where there is no owner', async () => {
    await using orphan = await openPost({ ownerUserId: undefined })
    const caller = await orphan.app.as('owner')
    await expect(caller.outbox.list()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(caller.outbox.drop({ id: 'x' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  it('has no other addresses and methods', async () => {
    const token = await post.app.token('owner')
    expect((await get(`${url}/api/outbox/x`, { token })).status).toBe(404)
    const wrong = await get(`${url}/api/outbox/drop`, { token })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await postJson(`${url}/api/outbox/drop`, { token, body: '{}' })).status).toBe(400)
  })
})
