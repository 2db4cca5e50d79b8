import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { timedOut } from '../integrations/timed-out.ts'
import { eventData } from '../invocation/probe.ts'
import { BRIEF_MS, PRICE, RESERVE } from './market.ts'
import { type Act, type Market, openMarket } from './open-market.ts'

const CREDITS = 1_000
const TOTAL = 30

let market: Market
beforeAll(async () => {
  market = await openMarket()
})
afterAll(() => market[Symbol.asyncDispose]())
afterEach(() => market.isSettled())

/** A user of the test's own who has credits. */
async function newUser(credits = CREDITS): Promise<string> {
  const user = `user-${randomUUID()}`
  if (credits > 0) await market.fund(user, credits)
  return user
}

const spentBy = async (user: string) => CREDITS - (await market.balance(user)).available

describe('an effect is charged once', () => {
  it('when its handler is run again after a conflict', async () => {
    const [user, id, recordId] = [await newUser(), randomUUID(), randomUUID()]
    let runs = 0
    const answer = await market.act(
      async (ctx) => {
        runs += 1
        const bought = await ctx.tools.integration('own/meter', { id })
        // What Postgres says of a conflict.
        if (runs < 4)
          await ctx.tools.sql((it) =>
            it.execute(`do $$ begin raise exception 'again' using errcode = '40001'; end $$`),
          )
        await ctx.tools.create('events', eventData(), recordId)
        return bought
      },
      { user },
    )
    expect(answer).toMatchObject({ success: true })
    expect([runs, market.timesAsked(id), await spentBy(user)]).toEqual([4, 1, TOTAL])
  })

  it('when its handler is suspended and replayed', async () => {
    const [user, ids] = [await newUser(), [randomUUID(), randomUUID(), randomUUID()]]
    let runs = 0
    const answer = await market.act(
      async (ctx) => {
        runs += 1
        for (const id of ids) {
          await ctx.tools.create('events', eventData())
          const bought = await ctx.tools.integration('own/buy', { id })
          if (!bought.success) return bought
        }
        return ok(null)
      },
      { user },
    )
    expect(answer).toMatchObject({ success: true })
    expect(ids.map(market.timesAsked)).toEqual([1, 1, 1])
    expect([runs, await spentBy(user)]).toEqual([4, 3 * PRICE])
  })

  it('and a step that is called anew, since its data changed, is a second one', async () => {
    const [user, ids] = [await newUser(), [randomUUID(), randomUUID()]]
    let runs = 0
    const answer = await market.act(
      async (ctx) => {
        runs += 1
        await ctx.tools.count('events')
        return ctx.tools.integration('own/buy', { id: ids[Math.min(runs, 2) - 1] ?? '' })
      },
      { user },
    )
    expect(answer).toMatchObject({ success: true })
    expect(ids.map(market.timesAsked)).toEqual([1, 1])
    expect(await spentBy(user)).toBe(2 * PRICE)
  })

  it('of equal ones that start together there are as many as are asked for', async () => {
    const [user, id] = [await newUser(), randomUUID()]
    const answer = await market.act(
      async (ctx) => {
        await ctx.tools.create('events', eventData())
        const bought = await Promise.all(
          Array.from({ length: 3 }, () => ctx.tools.integration('own/meter', { id })),
        )
        await ctx.tools.count('events')
        return bought.every(({ success }) => success) ? ok(null) : fail('CONFLICT', 'Not all of them')
      },
      { user },
    )
    expect(answer).toMatchObject({ success: true })
    expect([market.timesAsked(id), await spentBy(user)]).toEqual([3, 3 * TOTAL])
  })

  it.each(['caller', 'rest', 'trpc'] as const)(
    'over %s under one key, however often it is sent',
    async (over) => {
      const [user, sale] = [await newUser(), randomUUID()]
      const once: Act = { user, key: randomUUID(), id: randomUUID(), over }
      const buy = () =>
        market.act(async (ctx) => {
          await ctx.tools.create('events', eventData())
          return ctx.tools.integration('own/meter', { id: sale })
        }, once)
      // At once, and one after the other: who comes too early is told to come again.
      await Promise.all(Array.from({ length: 5 }, () => buy().catch(() => undefined)))
      const answers = [await buy(), await buy()]
      expect(answers[1]).toEqual(answers[0])
      expect(JSON.stringify(answers[0])).toContain(`"total":${TOTAL}`)
      expect([market.timesAsked(sale), await spentBy(user)]).toEqual([1, TOTAL])
      expect(await market.closings(user)).toEqual([['settle', TOTAL, 'answered']])
    },
  )

  it('under a key whose call fails after it, and is sent again', async () => {
    const [user, sale] = [await newUser(), randomUUID()]
    const once: Act = { user, key: randomUUID(), id: randomUUID() }
    const answers = []
    for (const isFailing of [true, true, false])
      answers.push(
        await market.act(async (ctx) => {
          const bought = await ctx.tools.integration('own/buy', { id: sale })
          return isFailing ? fail('CONFLICT', 'Not yet') : bought
        }, once),
      )
    expect(answers.map(({ success }) => success)).toEqual([false, false, true])
    expect([market.timesAsked(sale), await spentBy(user)]).toEqual([1, PRICE])
  })
})

describe('what was spent stays spent when the action', () => {
  const endings: Readonly<Record<string, () => Promise<ReturnType<typeof fail>>>> = {
    fails: async () => fail('CONFLICT', 'Not today'),
    throws: () => Promise.reject(new Error('Not today')),
  }
  it.each(Object.entries(endings))('%s, and its data is rolled back', async (_what, ending) => {
    const [user, id, recordId] = [await newUser(), randomUUID(), randomUUID()]
    const call = market.act(
      async (ctx) => {
        await ctx.tools.create('events', eventData(), recordId)
        await ctx.tools.integration('own/meter', { id })
        return ending()
      },
      { user },
    )
    expect(await call.catch(() => 'thrown')).not.toMatchObject({ success: true })
    expect(await market.rows('select 1 from events where record_id = $1', recordId)).toEqual([])
    expect(await spentBy(user)).toBe(TOTAL)
    const audited = await market.rows(
      'select payers::text, cost, outcome from deputy.audit_log where actor = $1',
      user,
    )
    expect(audited).toEqual([['{caller}', expect.anything(), expect.not.stringMatching('OK')]])
    expect(Number(audited[0]?.[1])).toBe(TOTAL)
  })
})

describe('what comes of a call is what it costs', () => {
  interface Case {
    readonly endpoint: 'own/meter' | 'own/brief' | 'own/keyed'
    readonly data: Readonly<Record<string, string | number | boolean>>
    readonly code: string
    readonly cost: number
    readonly closing: 'settle' | 'refund' | undefined
    readonly outcome: string
    readonly asked: number
  }
  const settled = { closing: 'settle', asked: 1 } as const
  const unknown = { ...settled, outcome: 'unknown', code: 'BAD_GATEWAY', cost: RESERVE } as const
  const cases: Readonly<Record<string, Partial<Case>>> = {
    'an answer, and less than was set aside': { data: { total: 7 }, code: 'OK', cost: 7 },
    'an answer that costs nothing': { data: { total: 0 }, code: 'OK', cost: 0 },
    'an answer, and more than was set aside: that': { data: { total: 1e6 }, code: 'OK', cost: RESERVE },
    'an answer of which no price can be told: what was set aside': {
      data: { total: 'throws' },
      code: 'OK',
      cost: RESERVE,
    },
    'an answer with a fraction of a price: what was set aside': {
      data: { total: 0.5 },
      code: 'OK',
      cost: RESERVE,
    },
    'an answer with a price below zero: what was set aside': {
      data: { total: -1 },
      code: 'OK',
      cost: RESERVE,
    },
    'a refusal: nothing': {
      data: { how: 'refuses' },
      code: 'UNPROCESSABLE_CONTENT',
      cost: 0,
      closing: 'refund',
      outcome: 'nothing',
    },
    'a breakdown of the provider: nothing': { data: { how: 'breaks' }, code: 'BAD_GATEWAY', cost: 0 },
    'an answer that is no JSON': { data: { how: 'html' }, ...unknown },
    'an answer of another shape': { data: { how: 'other shape' }, ...unknown },
    'a connection that breaks after it was sent': { data: { how: 'resets' }, ...unknown },
    'an answer that does not come': {
      endpoint: 'own/brief',
      data: { how: 'hangs' },
      ...unknown,
      code: 'GATEWAY_TIMEOUT',
      cost: PRICE,
    },
    'a price that cannot be told beforehand: nothing leaves': {
      data: { isPriceless: true },
      code: 'PRECONDITION_FAILED',
      cost: 0,
      closing: undefined,
      asked: 0,
    },
  }
  it.each(Object.entries(cases))('%s', async (_what, given) => {
    const wanted: Case = {
      ...settled,
      endpoint: 'own/meter',
      data: {},
      code: 'OK',
      cost: TOTAL,
      outcome: 'answered',
      ...given,
    }
    const [user, id] = [await newUser(), randomUUID()]
    const act = () =>
      market.act((ctx) => ctx.tools.integration(wanted.endpoint, { id, ...wanted.data }), { user })
    const isAsked = () => market.timesAsked(id) > 0
    const answer = await (wanted.data.how === 'hangs' ? timedOut(BRIEF_MS, isAsked, act) : act())
    expect(answer).toMatchObject(
      wanted.code === 'OK' ? { success: true } : { success: false, code: wanted.code },
    )
    expect(market.timesAsked(id)).toBe(wanted.asked)
    expect(await spentBy(user)).toBe(wanted.cost)
    expect(await market.closings(user)).toEqual(
      wanted.closing === undefined ? [] : [[wanted.closing, wanted.cost, wanted.outcome]],
    )
    const audited = await market.rows(
      'select payers::text, cost, outcome from deputy.audit_log where actor = $1',
      user,
    )
    const paid = wanted.asked === 1 ? ['{caller}', String(wanted.cost)] : ['{}', 'null']
    expect(audited.map((row) => row.map(String))).toEqual([[...paid, wanted.code]])
  })
})

describe('a call that its payer cannot pay', () => {
  it('reaches nobody, and says what there is and what is needed', async () => {
    const [user, id] = [await newUser(0), randomUUID()]
    await market.fund(user, RESERVE - 1)
    const answer = await market.act((ctx) => ctx.tools.integration('own/meter', { id }), { user })
    expect(answer).toMatchObject({
      success: false,
      code: 'PAYMENT_REQUIRED',
      details: { availableCredits: RESERVE - 1, requiredCredits: RESERVE },
    })
    expect(market.timesAsked(id)).toBe(0)
    expect(await market.balance(user)).toEqual({ available: RESERVE - 1, reserved: 0 })
    // Nothing was spent, and the refusal is in the audit.
    const audited = await market.rows(
      'select payers::text, outcome from deputy.audit_log where actor = $1',
      user,
    )
    expect(audited).toEqual([['{}', 'PAYMENT_REQUIRED']])
  })

  it('can be repeated under its key when there is money', async () => {
    const [user, sale] = [await newUser(0), randomUUID()]
    const once: Act = { user, key: randomUUID(), id: randomUUID() }
    const buy = () => market.act((ctx) => ctx.tools.integration('own/meter', { id: sale }), once)
    expect(await buy()).toMatchObject({ code: 'PAYMENT_REQUIRED' })
    await market.fund(user, CREDITS)
    expect(await buy()).toMatchObject({ success: true })
    expect(await buy()).toMatchObject({ success: true })
    expect([market.timesAsked(sale), await spentBy(user)]).toEqual([1, TOTAL])
  })

  it('leaves those beside it that can be paid', async () => {
    const [user, id] = [await newUser(0), randomUUID()]
    await market.fund(user, 2 * PRICE)
    const answer = await market.act(
      async (ctx) => {
        await ctx.tools.count('events')
        const all = await Promise.all(
          Array.from({ length: 3 }, () => ctx.tools.integration('own/buy', { id })),
        )
        return ok(all.map((one) => (one.success ? 'OK' : one.code)).sort())
      },
      { user },
    )
    expect(answer).toEqual(ok(['OK', 'OK', 'PAYMENT_REQUIRED']))
    expect(market.timesAsked(id)).toBe(2)
    expect(await market.balance(user)).toEqual({ available: 0, reserved: 0 })
  })
})
