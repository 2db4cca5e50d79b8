import { randomUUID } from 'node:crypto'
import type { ActionResult } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import type { FailpointName } from '../../server/invocation/engine.ts'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { eventData } from '../invocation/probe.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { MAIL_PRICE, mail, openPost, type Post, SMS_PRICE, sms } from '../queue/post.ts'

const CALLS = 60
const ENOUGH_FOR = 7

let post: Post
let databases: Database[]
let onFailpoint: (name: FailpointName) => void | Promise<void> = () => {}
beforeAll(async () => {
  post = await openPost({
    failpoint: (name) => onFailpoint(name),
    budgets: { ...DEFAULT_BUDGETS, caller: { calls: ENOUGH_FOR, credits: undefined } },
  })
  databases = [1, 2].map(() => openPostgres({ url: post.app.databaseUrl ?? '' }))
})
afterAll(async () => {
  await post.stopSending()
  await Promise.all(databases.map((database) => database.close()))
  await post[Symbol.asyncDispose]()
})

const servers = () => [post, ...databases.map((database) => post.serveOn(database))]
const sentTo = (path: '/mail' | '/sms', to: string) =>
  post.received(path).filter(({ body }) => (body as { to: string }).to === to)
const isQuiet = async () =>
  Number(
    (
      await post.rows(
        'select (select count(*) from deputy.queue) + (select count(*) from deputy.credit_holds)',
      )
    )[0]?.[0],
  ) === 0
const quiet = () => expect.poll(isQuiet).toBe(true)
const codes = (answers: readonly ActionResult<unknown>[]) => {
  const counts = new Map<string, number>()
  for (const answer of answers) {
    const code = answer.success ? 'OK' : answer.code
    counts.set(code, (counts.get(code) ?? 0) + 1)
  }
  return Object.fromEntries(counts)
}
const startAll = () => {
  post.startSending()
  for (const database of databases) post.startSending(post.serveOn(database).engine)
}

it('a call that runs again after conflicts queues its messages once', async () => {
  const [to, recordId] = [randomUUID(), randomUUID()]
  await post.act((ctx) => ctx.tools.create('events', eventData(), recordId))
  await fund(post.app.database, 'owner', MAIL_PRICE)
  let runs = 0
  const queued = await post.act(async (ctx) => {
    runs += 1
    const found = await ctx.tools.get('events', recordId)
    if (!found.success) return found
    const message = await mail(ctx, to)
    // The run that could commit loses to a write from elsewhere.
    if (runs === 2) await post.act((other) => other.tools.update('events', recordId, { title: 'elsewhere' }))
    const saved = await ctx.tools.update('events', recordId, { title: 'here' })
    return saved.success ? message : saved
  })
  expect(queued).toMatchObject({ success: true })
  expect(runs).toBe(3)
  post.startSending()
  await quiet()
  expect(sentTo('/mail', to)).toHaveLength(1)
  await checkLedger(post.app.database)
})

it('one key on three servers at once queues one message', async () => {
  const [to, once] = [randomUUID(), { key: randomUUID(), id: randomUUID() }]
  await fund(post.app.database, 'owner', MAIL_PRICE * 9)
  const all = servers()
  const calls = Array.from({ length: 9 }, async (_, nth) => {
    const call = all[nth % all.length]?.act((ctx) => mail(ctx, to), 'bob', once)
    return call?.catch((error: Error) => error.message)
  })
  const answers = await Promise.all(calls)
  expect(answers.some((answer) => typeof answer === 'object' && answer.success)).toBe(true)
  startAll()
  await quiet()
  expect(sentTo('/mail', to)).toHaveLength(1)
  await checkLedger(post.app.database)
})

it('a holder of a key that comes back after its lease queues nothing beside the other one', async () => {
  const [to, once] = [randomUUID(), { key: randomUUID(), id: randomUUID() }]
  await fund(post.app.database, 'owner', MAIL_PRICE * 2)
  const [server] = servers()
  let other: unknown
  onFailpoint = async (point) => {
    if (point !== 'before-commit') return
    onFailpoint = () => {}
    await post.change("update deputy.idempotency_claims set lease_until = now() - interval '1 second'")
    other = await server?.act((ctx) => mail(ctx, to), 'cid', once)
  }
  const late = await post.act((ctx) => mail(ctx, to), 'cid', once)
  expect(late).toMatchObject({ success: true })
  expect(late).toEqual(other)
  post.startSending()
  await quiet()
  expect(sentTo('/mail', to)).toHaveLength(1)
  await checkLedger(post.app.database)
})

it('money for 7 messages queues 7 of 60 that are queued at once, and each is sent once', async () => {
  const caller = randomUUID()
  await fund(post.app.database, caller, SMS_PRICE * ENOUGH_FOR + 1)
  const all = servers()
  const answers = await Promise.all(
    Array.from({ length: CALLS }, (_, nth) =>
      (all[nth % all.length] as Post).act(async (ctx) => {
        const created = await ctx.tools.create('events', eventData(caller))
        return created.success ? sms(ctx, caller) : created
      }, caller),
    ),
  )
  expect(codes(answers)).toEqual({ OK: ENOUGH_FOR, PAYMENT_REQUIRED: CALLS - ENOUGH_FOR })
  expect(await post.rows('select count(*)::int from events where title = $1', caller)).toEqual([[ENOUGH_FOR]])
  startAll()
  await quiet()
  expect(sentTo('/sms', caller)).toHaveLength(ENOUGH_FOR)
  expect(await accountOf(post.app.database, caller)).toEqual({ available: 1, reserved: 0 })
  await checkLedger(post.app.database)
})

it('a budget of 7 calls a day lets 7 of 60 messages pass that are queued at once', async () => {
  const caller = randomUUID()
  await fund(post.app.database, 'owner', MAIL_PRICE * CALLS)
  const answers = await Promise.all(
    Array.from({ length: CALLS }, () => post.act((ctx) => mail(ctx, caller), caller)),
  )
  expect(codes(answers)).toEqual({ OK: ENOUGH_FOR, TOO_MANY_REQUESTS: CALLS - ENOUGH_FOR })
  startAll()
  await quiet()
  expect(sentTo('/mail', caller)).toHaveLength(ENOUGH_FOR)
  await checkLedger(post.app.database)
})

it('300 messages are sent by three servers, each by one of them', async () => {
  const caller = randomUUID()
  await fund(post.app.database, caller, SMS_PRICE * 300)
  await post.act(async (ctx) => {
    for (let nth = 1; nth < 300; nth += 1) await sms(ctx, caller)
    return sms(ctx, caller)
  }, caller)
  startAll()
  await quiet()
  expect(sentTo('/sms', caller)).toHaveLength(300)
  expect(new Set(sentTo('/sms', caller).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(300)
  expect(await accountOf(post.app.database, caller)).toEqual({ available: 0, reserved: 0 })
  await checkLedger(post.app.database)
})
