import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Parameters } from '../../server/db/statement.ts'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import type { ReservationAccount } from '../../server/ledger/reservation.ts'
import { reserve } from '../../server/ledger/reserve.ts'
import { refund, settleReservation } from '../../server/ledger/settle.ts'
import { sweepReservations } from '../../server/ledger/sweep.ts'
import { post } from '../http/send.ts'
import { PRICE, RESERVE } from '../ledger/market.ts'
import { type Market, openMarket } from '../ledger/open-market.ts'

const CALLS = 100
const PAID = 7
/** Who passes is asked here, not how soon: a busy machine refuses nobody. */
const POOL = { max: 20, acquireTimeoutMs: 25_000 }
const NO_LIMIT = { calls: undefined, credits: undefined }
const OPEN = { caller: NO_LIMIT, action: NO_LIMIT, app: NO_LIMIT, anonymous: NO_LIMIT }

/** An answer of any transport, as far as it says who may go on. */
interface Said {
  readonly success?: unknown
  readonly code?: unknown
  readonly details?: unknown
}
const isDone = ({ success }: Said) => success === true

let market: Market
beforeAll(async () => {
  market = await openMarket({ budgets: OPEN, pool: POOL })
})
afterAll(async () => {
  await market.isSettled()
  await market[Symbol.asyncDispose]()
})

const newUser = () => `user-${randomUUID()}`
const at = <T>(count: number, make: (nth: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, nth) => make(nth)))

/** Buys over the client route. */
async function buyAsClient(user: string, id: string): Promise<Said> {
  const [url, token] = await Promise.all([market.app.listen(), market.app.token(user)])
  return (await post(`${url}/api/integrations/own/buy`, { token, body: JSON.stringify({ id }) })).json
}
const buyOver = (over: 'caller' | 'rest') => (user: string, id: string) =>
  market.act((ctx) => ctx.tools.integration('own/buy', { id }), { user, over })
const ways: Readonly<Record<string, (user: string, id: string) => Promise<Said>>> = {
  'actions in process': buyOver('caller'),
  'actions over HTTP': buyOver('rest'),
  'the client route': buyAsClient,
  'an action that has a transaction open': (user, id) =>
    market.act(
      async (ctx) => {
        await ctx.tools.count('events')
        return ctx.tools.integration('own/buy', { id })
      },
      { user },
    ),
}

describe.each(Object.entries(ways))('by %s', (_way, buy) => {
  it(`of ${CALLS} calls at once with money for ${PAID}, ${PAID} reach the provider`, async () => {
    const [user, id] = [newUser(), randomUUID()]
    await market.fund(user, PAID * PRICE + PRICE - 1)
    const answers = await at(CALLS, () => buy(user, id))
    expect(answers.filter(isDone)).toHaveLength(PAID)
    for (const { code, details } of answers.filter((answer) => !isDone(answer))) {
      expect({ code, details }).toEqual({
        code: 'PAYMENT_REQUIRED',
        details: { availableCredits: PRICE - 1, requiredCredits: PRICE },
      })
    }
    expect(market.timesAsked(id)).toBe(PAID)
    expect(await market.balance(user)).toEqual({ available: PRICE - 1, reserved: 0 })
    expect(await market.closings(user)).toEqual(Array(PAID).fill(['settle', PRICE, 'answered']))
    await market.isSettled()
  })

  it('the first calls of a new user, at once, are refused; with a grant among them, what it pays for passes', async () => {
    const [user, id] = [newUser(), randomUUID()]
    const before = await at(20, () => buy(user, id))
    expect(before.map(({ code }) => code)).toEqual(Array(20).fill('PAYMENT_REQUIRED'))
    expect(market.timesAsked(id)).toBe(0)
    const token = await market.app.token('owner')
    const owner = market.app.createCaller({ token, idempotencyKey: randomUUID() })
    const [among] = await Promise.all([
      at(20, () => buy(user, id)),
      owner.credits.grant({ account: user, amount: PAID * PRICE }),
    ])
    const after = await at(20, () => buy(user, id))
    expect([...among, ...after].filter(isDone)).toHaveLength(PAID)
    expect(market.timesAsked(id)).toBe(PAID)
    expect(await market.balance(user)).toEqual({ available: 0, reserved: 0 })
  })
})

it('what calls give back is there for others: nobody is refused what could be paid in the end', async () => {
  const [user, id] = [newUser(), randomUUID()]
  // Of what is set aside for a call, most comes back.
  await market.fund(user, RESERVE + 49 * 30)
  let left = 50
  const buyer = async () => {
    while (left > 0) {
      left -= 1
      const answer = await market.act((ctx) => ctx.tools.integration('own/meter', { id }), { user })
      if (!answer.success) {
        expect(answer).toMatchObject({ code: 'PAYMENT_REQUIRED' })
        left += 1
      }
    }
  }
  await at(4, buyer)
  expect(market.timesAsked(id)).toBe(50)
  expect(await market.balance(user)).toEqual({ available: RESERVE - 30, reserved: 0 })
})

describe('the owner’s budgets', () => {
  const budgets = {
    calls: { calls: PAID, credits: undefined },
    credits: { calls: undefined, credits: PAID * PRICE },
  } as const
  const cases = (['caller', 'action', 'app'] as const).flatMap((budget) =>
    (['calls', 'credits'] as const).map((limit) => [budget, limit] as const),
  )
  it.each(cases)(
    '%s, counted in %s: of 50 calls at once as many pass as it allows',
    async (budget, limit) => {
      await using limited = await openMarket({
        isOwnerUnmetered: limit === 'calls',
        budgets: { ...OPEN, [budget]: budgets[limit] },
        pool: POOL,
      })
      const id = randomUUID()
      await limited.fund('owner', 50 * PRICE)
      const answers: readonly Said[] = await at(50, () =>
        limited.act((ctx) => ctx.tools.integration('dev/buy', { id })),
      )
      expect(answers.filter(isDone)).toHaveLength(PAID)
      for (const { code, details } of answers.filter((answer) => !isDone(answer))) {
        expect({ code, details }).toEqual({
          code: 'TOO_MANY_REQUESTS',
          details: {
            budget,
            limit,
            resetAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT00:00:00Z$/),
            retryAfterSeconds: expect.any(Number),
          },
        })
      }
      expect(limited.timesAsked(id)).toBe(PAID)
      const spent = limit === 'calls' ? 0 : PAID * PRICE
      expect(await limited.balance('owner')).toEqual({ available: 50 * PRICE - spent, reserved: 0 })
      await limited.isSettled()
    },
  )

  it('of callers without a token together: as many pass as it allows, of whatever address', async () => {
    await using limited = await openMarket({
      isOwnerUnmetered: true,
      budgets: { ...DEFAULT_BUDGETS, anonymous: { calls: PAID, credits: undefined } },
      pool: POOL,
    })
    const id = randomUUID()
    const url = `${await limited.app.listen()}/api/integrations/open/buy`
    const answers = await at(50, () => post(url, { body: JSON.stringify({ id }) }))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(PAID)
    for (const { status, headers, json } of answers.filter(({ status }) => status !== 200)) {
      expect(status).toBe(429)
      expect(json).toMatchObject({ details: { budget: 'anonymous', limit: 'calls' } })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect(limited.timesAsked(id)).toBe(PAID)
  })

  it('do not keep the owner from the owner’s money, nor count what is refunded', async () => {
    await using limited = await openMarket({
      isOwnerUnmetered: true,
      budgets: { ...OPEN, caller: { calls: 5, credits: undefined } },
      pool: POOL,
    })
    const id = randomUUID()
    const buy = (user: string, how: string) =>
      limited.act((ctx) => ctx.tools.integration('dev/buy', { id, how }), { user })
    for (let round = 0; round < 4; round += 1)
      for (const answer of await at(5, () => buy('ada', 'refuses')))
        expect(answer).toMatchObject({ code: 'UNPROCESSABLE_CONTENT' })
    expect((await at(5, () => buy('ada', 'ok'))).every(isDone)).toBe(true)
    expect((await at(10, () => buy('owner', 'ok'))).every(isDone)).toBe(true)
    expect(await buy('ada', 'ok')).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
    await limited.isSettled()
  })
})

describe('of those who find a dead call at once', () => {
  const ownerOf = (account: string): ReservationAccount => ({
    account,
    isMetered: true,
    payer: 'caller',
    caller: account,
    action: 'races',
    invocation: account,
    holder: account,
    leaseMs: -1_000,
    budgets: [{ budget: 'caller', subject: account, limit: { calls: 1_000, credits: undefined } }],
  })
  const CALL = { amount: RESERVE, endpoint: 'own/meter', transport: 'direct' } as const
  const close = async (holder: string, effectId: string, outcome: 'answered' | 'nothing') => {
    const parameters = new Parameters()
    const isOurs = `effect = ${parameters.bind(effectId)} and holder = ${parameters.bind(holder)}`
    const parts = settleReservation(parameters, isOurs, { outcome, cost: 30, durationMs: 1 })
    await market.app.database.write({ sql: `with ${parts} select 1`, params: parameters.values })
  }
  const usedCalls = async (account: string) =>
    (
      await market.rows(
        "select calls::int from deputy.budget_days where budget = 'caller' and subject = $1",
        account,
      )
    )[0]?.[0]

  it('one gives back what was not sent', async () => {
    const { database } = market.app
    const user = newUser()
    await market.fund(user, 20 * RESERVE)
    const effects = Array.from({ length: 20 }, (_, nth) => `${user}/${nth}`)
    const requests = effects.map((effectId) => ({ effectId, ...CALL }))
    expect(await reserve(database, ownerOf(user), requests)).toBeUndefined()
    await Promise.all([
      ...effects.map((effectId) => close(user, effectId, 'nothing')),
      sweepReservations(database),
      refund(database, user, effects),
      sweepReservations(database),
      ...effects.map((effectId) => close(user, effectId, 'nothing')),
    ])
    expect(await market.closings(user)).toEqual(Array(20).fill(['refund', 0, 'nothing']))
    expect(await market.balance(user)).toEqual({ available: 20 * RESERVE, reserved: 0 })
    expect(await usedCalls(user)).toBe(0)
  })

  it('one charges what was sent, as far as it knows', async () => {
    const { database } = market.app
    const user = newUser()
    await market.fund(user, 20 * RESERVE)
    const effects = Array.from({ length: 20 }, (_, nth) => `${user}/${nth}`)
    const requests = effects.map((effectId) => ({ effectId, ...CALL }))
    expect(await reserve(database, ownerOf(user), requests)).toBeUndefined()
    await market.change(`update deputy.credit_holds set state = 'sent' where account = '${user}'`)
    await Promise.all([
      ...effects.slice(0, 10).map((effectId) => close(user, effectId, 'answered')),
      sweepReservations(database),
      refund(database, user, effects),
      sweepReservations(database),
      ...effects.slice(10).map((effectId) => close(user, effectId, 'answered')),
    ])
    const closings = await market.closings(user)
    expect(closings).toHaveLength(20)
    for (const closing of closings)
      expect([
        ['settle', 30, 'answered'],
        ['settle', RESERVE, 'unknown'],
      ]).toContainEqual(closing)
    const spent = closings.reduce((sum, [, cost]) => sum + Number(cost), 0)
    expect(await market.balance(user)).toEqual({ available: 20 * RESERVE - spent, reserved: 0 })
    expect(await usedCalls(user)).toBe(20)
  })
})
