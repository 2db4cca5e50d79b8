import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { json } from '../integrations/upstream.ts'
import { eventData } from '../invocation/probe.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { MAIL_PRICE, mail, openPost, type Post, SMS_PRICE, sms } from './post.ts'

let post: Post
beforeAll(async () => {
  post = await openPost({
    budgets: { ...DEFAULT_BUDGETS, caller: { calls: 5, credits: undefined } },
  })
  post.startSending()
})
afterAll(() => post[Symbol.asyncDispose]())

const user = () => `user-${randomUUID()}`
const isQuiet = async () =>
  Number(
    (
      await post.rows(
        'select (select count(*) from deputy.queue) + (select count(*) from deputy.credit_holds)',
      )
    )[0]?.[0],
  ) === 0
const quiet = () => expect.poll(isQuiet).toBe(true)
const balance = (account: string) => accountOf(post.app.database, account)

describe('a message', () => {
  it.each([
    ['of a developer integration is paid by the owner', mail, 'owner', MAIL_PRICE],
    ['of a user integration is paid by who called', sms, 'caller', SMS_PRICE],
  ] as const)('%s', async (_what, queue, payer, price) => {
    const caller = user()
    const account = payer === 'owner' ? 'owner' : caller
    await fund(post.app.database, account, price)
    expect(await post.act((ctx) => queue(ctx, 'x'), caller)).toMatchObject({ success: true })
    await quiet()
    expect(await balance(account)).toEqual({ available: 0, reserved: 0 })
    const entries = await post.rows(
      `select kind, cost, payer, caller, action, outcome from deputy.credit_entries
       where account = $1 and kind <> 'grant' order by seq desc limit 2`,
      account,
    )
    expect(entries.map((entry) => entry.map(String))).toEqual([
      ['settle', String(price), payer, caller, 'act', 'answered'],
      ['reserve', '0', payer, caller, 'act', 'null'],
    ])
    await checkLedger(post.app.database)
  })

  it('that cannot be paid fails its call with 402, which writes nothing', async () => {
    const [caller, recordId] = [user(), randomUUID()]
    await fund(post.app.database, caller, SMS_PRICE * 2 - 1)
    const refused = await post.act(async (ctx) => {
      await ctx.tools.create('events', eventData(), recordId)
      await sms(ctx, recordId)
      return sms(ctx, `${recordId} too`)
    }, caller)
    expect(refused).toMatchObject({
      success: false,
      code: 'PAYMENT_REQUIRED',
      details: { availableCredits: SMS_PRICE * 2 - 1, requiredCredits: SMS_PRICE * 2 },
    })
    expect(await post.rows('select 1 from events where record_id = $1', recordId)).toEqual([])
    expect(await post.rows('select 1 from deputy.queue where caller = $1', caller)).toEqual([])
    expect(await balance(caller)).toEqual({ available: SMS_PRICE * 2 - 1, reserved: 0 })
    await checkLedger(post.app.database)
  })

  it('of the owner’s is given back when one of the caller’s beside it cannot be paid', async () => {
    const before = await balance('owner')
    await fund(post.app.database, 'owner', MAIL_PRICE)
    const refused = await post.act(async (ctx) => {
      await mail(ctx, 'x')
      return sms(ctx, 'x')
    }, user())
    expect(refused).toMatchObject({ code: 'PAYMENT_REQUIRED' })
    expect(await balance('owner')).toEqual({ available: before.available + MAIL_PRICE, reserved: 0 })
    await quiet()
    await checkLedger(post.app.database)
  })

  it('counts against the budget of its caller, and fails its call with 429 beyond it', async () => {
    const caller = user()
    await fund(post.app.database, 'owner', MAIL_PRICE * 10)
    const queue = (count: number) =>
      post.act(async (ctx) => {
        for (let nth = 1; nth < count; nth += 1) await mail(ctx, 'x')
        return mail(ctx, 'x')
      }, caller)
    expect(await queue(3)).toMatchObject({ success: true })
    expect(await queue(3)).toMatchObject({
      success: false,
      code: 'TOO_MANY_REQUESTS',
      details: { budget: 'caller', limit: 'calls' },
    })
    expect(await queue(2)).toMatchObject({ success: true })
    await quiet()
    await checkLedger(post.app.database)
  })

  it('that its provider refuses is given up, and costs nothing', async () => {
    const caller = user()
    await fund(post.app.database, caller, SMS_PRICE)
    post.provider.onPath('/sms', (_received, response) => json(response, 400, { message: 'No such number' }))
    await post.act((ctx) => sms(ctx, 'x'), caller)
    await expect.poll(() => post.count('dead')).toBe(1)
    expect(await balance(caller)).toEqual({ available: SMS_PRICE, reserved: 0 })
    expect(await post.rows('select last_error, attempts, is_unknown from deputy.queue')).toEqual([
      ['BAD_REQUEST: "sms/send": No such number', 1, false],
    ])
    await checkLedger(post.app.database)
  })
})

it('an owner without a limit is charged nothing, and what was spent is noted', async () => {
  await using unmetered = await openPost({ isOwnerUnmetered: true })
  unmetered.startSending()
  await unmetered.act((ctx) => mail(ctx, 'x'))
  await expect.poll(() => unmetered.count('queued')).toBe(0)
  const entries = await unmetered.rows(
    'select kind, available_delta, reserved_delta, cost from deputy.credit_entries',
  )
  expect(entries.map(([kind, ...amounts]) => [kind, ...amounts.map(Number)])).toEqual([
    ['settle', 0, 0, MAIL_PRICE],
  ])
})

it('without an owner nothing can be queued on the owner’s money', async () => {
  await using orphan = await openPost({ ownerUserId: undefined })
  expect(await orphan.act((ctx) => mail(ctx, 'x'))).toMatchObject({
    success: false,
    code: 'PRECONDITION_FAILED',
    error: expect.stringContaining('OWNER_USER_ID'),
  })
})

it('what would go out with the caller’s token is refused, and the token is in no table', async () => {
  let callerJwt = ''
  const answer = await post.act(async (ctx) => {
    callerJwt = ctx.callerJwt
    const own = await ctx.tools.enqueue('own/thing', { text: 'x' })
    const queued = await mail(ctx, 'beside it')
    return queued.success ? own : queued
  })
  expect(answer).toMatchObject({
    success: false,
    code: 'PRECONDITION_FAILED',
    error: expect.stringContaining('never stored'),
  })
  const tables = await post.rows(
    "select schemaname || '.' || tablename from pg_tables where schemaname in ('public', 'deputy')",
  )
  expect(tables.length).toBeGreaterThan(10)
  for (const [table] of tables) {
    const found = await post.rows(
      `select 1 from ${table} as it where it::text like '%' || $1 || '%'`,
      callerJwt,
    )
    expect(found, String(table)).toEqual([])
  }
})
