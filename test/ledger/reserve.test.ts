import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { Parameters } from '../../server/db/statement.ts'
import type { SideEffectOutcome } from '../../server/integrations/integrations.ts'
import { type Budgets, budgetsOf, DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import type { ReservationAccount } from '../../server/ledger/reservation.ts'
import { reserve } from '../../server/ledger/reserve.ts'
import { settleReservation } from '../../server/ledger/settle.ts'
import { sweepReservations } from '../../server/ledger/sweep.ts'
import { openTestDatabase } from '../support/database.ts'
import { accountOf, checkLedger, fund } from './ledger.ts'

let opened: Awaited<ReturnType<typeof openTestDatabase>>
let database: Database
beforeAll(async () => {
  opened = await openTestDatabase()
  database = opened.database
})
afterAll(async () => {
  await checkLedger(database)
  await opened[Symbol.asyncDispose]()
})

const NOTHING_ELSE = { endpoint: 'provider/call', transport: 'direct' } as const

function ownerOf(account: string, more: Partial<ReservationAccount> = {}): ReservationAccount {
  const invocation = randomUUID()
  return {
    account,
    isMetered: true,
    payer: 'caller',
    caller: account,
    action: 'test',
    invocation,
    holder: invocation,
    leaseMs: 60_000,
    budgets: [],
    ...more,
  }
}

async function close(
  owner: ReservationAccount,
  effectId: string,
  outcome: SideEffectOutcome,
  cost: number,
): Promise<void> {
  const parameters = new Parameters()
  const isOurs = `effect = ${parameters.bind(effectId)} and holder = ${parameters.bind(owner.holder)}`
  const parts = settleReservation(parameters, isOurs, { outcome, cost, durationMs: 1 })
  await database.write({ sql: `with ${parts} select 1`, params: parameters.values })
}

const newAccount = () => `user-${randomUUID()}`

describe('a reservation', () => {
  it('moves what a call may cost, and settling moves what it did not cost back', async () => {
    const account = newAccount()
    await fund(database, account, 100)
    const owner = ownerOf(account)
    expect(
      await reserve(database, owner, [{ effectId: account, amount: 70, ...NOTHING_ELSE }]),
    ).toBeUndefined()
    expect(await accountOf(database, account)).toEqual({ available: 30, reserved: 70 })
    await close(owner, account, 'answered', 45)
    expect(await accountOf(database, account)).toEqual({ available: 55, reserved: 0 })
  })

  it('that surely had no effect is refunded in full', async () => {
    const account = newAccount()
    await fund(database, account, 100)
    const owner = ownerOf(account)
    await reserve(database, owner, [{ effectId: account, amount: 70, ...NOTHING_ELSE }])
    await close(owner, account, 'nothing', 70)
    expect(await accountOf(database, account)).toEqual({ available: 100, reserved: 0 })
  })

  it('is closed once, however often and by whomever it is tried', async () => {
    const account = newAccount()
    await fund(database, account, 100)
    const owner = ownerOf(account)
    await reserve(database, owner, [{ effectId: account, amount: 70, ...NOTHING_ELSE }])
    await close(ownerOf(account), account, 'answered', 70)
    expect(await accountOf(database, account)).toEqual({ available: 30, reserved: 70 })
    await Promise.all(Array.from({ length: 10 }, () => close(owner, account, 'nothing', 0)))
    await close(owner, account, 'answered', 70)
    expect(await accountOf(database, account)).toEqual({ available: 100, reserved: 0 })
  })

  it('costs at most what was set aside', async () => {
    const account = newAccount()
    await fund(database, account, 100)
    const owner = ownerOf(account)
    await reserve(database, owner, [{ effectId: account, amount: 70, ...NOTHING_ELSE }])
    await close(owner, account, 'answered', 1_000)
    expect(await accountOf(database, account)).toEqual({ available: 30, reserved: 0 })
  })

  it('is refused without money, and says what there is and what is needed', async () => {
    const account = newAccount()
    const request = { effectId: account, amount: 70, ...NOTHING_ELSE }
    expect(await reserve(database, ownerOf(account), [request])).toMatchObject({
      code: 'PAYMENT_REQUIRED',
      details: { availableCredits: 0, requiredCredits: 70 },
    })
    await fund(database, account, 69)
    expect(await reserve(database, ownerOf(account), [request])).toMatchObject({
      code: 'PAYMENT_REQUIRED',
      details: { availableCredits: 69, requiredCredits: 70 },
    })
    expect(await accountOf(database, account)).toEqual({ available: 69, reserved: 0 })
  })

  it('of several effects is made for all or for none', async () => {
    const account = newAccount()
    await fund(database, account, 100)
    const requests = (amounts: number[]) =>
      amounts.map((amount, nth) => ({ effectId: `${account}/${nth}`, amount, ...NOTHING_ELSE }))
    expect(await reserve(database, ownerOf(account), requests([50, 51]))).toMatchObject({
      code: 'PAYMENT_REQUIRED',
    })
    expect(await accountOf(database, account)).toEqual({ available: 100, reserved: 0 })
    expect(await reserve(database, ownerOf(account), requests([50, 50]))).toBeUndefined()
    expect(await accountOf(database, account)).toEqual({ available: 0, reserved: 100 })
  })

  it('that a dead holder left is taken over, not paid again', async () => {
    const account = newAccount()
    await fund(database, account, 100)
    const [first, second] = [ownerOf(account), ownerOf(account)]
    const request = { effectId: account, amount: 70, ...NOTHING_ELSE }
    await reserve(database, first, [request])
    expect(await reserve(database, second, [request])).toBeUndefined()
    expect(await accountOf(database, account)).toEqual({ available: 30, reserved: 70 })
    await close(first, account, 'nothing', 0)
    expect(await accountOf(database, account)).toEqual({ available: 30, reserved: 70 })
    await close(second, account, 'answered', 70)
    expect(await accountOf(database, account)).toEqual({ available: 30, reserved: 0 })
  })

  it('of an account without limit is noted and charges nothing', async () => {
    const account = newAccount()
    const owner = ownerOf(account, { isMetered: false })
    expect(
      await reserve(database, owner, [{ effectId: account, amount: 70, ...NOTHING_ELSE }]),
    ).toBeUndefined()
    await close(owner, account, 'answered', 70)
    expect(await accountOf(database, account)).toEqual({ available: 0, reserved: 0 })
    const { rows } = await database.query({
      sql: 'select kind, cost, available_delta from deputy.credit_entries where account = $1',
      params: [account],
    })
    expect(rows.map((row) => row.map(String))).toEqual([['settle', '70', '0']])
  })

  it('whose holder has died is refunded, or charged if it was sent, and by one sweeper alone', async () => {
    const account = newAccount()
    await fund(database, account, 100)
    const dead = ownerOf(account, { leaseMs: -1_000 })
    await reserve(database, dead, [
      { effectId: `${account}/reserved`, amount: 30, ...NOTHING_ELSE },
      { effectId: `${account}/sent`, amount: 50, ...NOTHING_ELSE },
    ])
    await reserve(database, ownerOf(account), [{ effectId: `${account}/alive`, amount: 20, ...NOTHING_ELSE }])
    await database.write({
      sql: `update deputy.credit_holds set state = 'sent' where effect = $1`,
      params: [`${account}/sent`],
    })
    await Promise.all([sweepReservations(database), sweepReservations(database), sweepReservations(database)])
    await sweepReservations(database)
    expect(await accountOf(database, account)).toEqual({ available: 30, reserved: 20 })
    const { rows } = await database.query({
      sql: `select kind, outcome, cost from deputy.credit_entries
        where account = $1 and kind in ('settle', 'refund') order by kind`,
      params: [account],
    })
    expect(rows.map((row) => row.map(String))).toEqual([
      ['refund', 'nothing', '0'],
      ['settle', 'unknown', '50'],
    ])
  })
})

describe('a budget', () => {
  const uses = (budgets: Partial<Budgets>, caller: string) =>
    budgetsOf({
      budgets: { ...DEFAULT_BUDGETS, ...budgets },
      caller,
      isAnonymous: false,
      isOwner: false,
      action: caller,
    })

  it('lets through as many calls as it has, however many come at once', async () => {
    const account = newAccount()
    const budgets = uses({ caller: { calls: 7, credits: undefined } }, account)
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, nth) =>
        reserve(database, ownerOf(account, { isMetered: false, budgets }), [
          { effectId: `${account}/${nth}`, amount: 5, ...NOTHING_ELSE },
        ]),
      ),
    )
    expect(results.filter((failure) => failure === undefined)).toHaveLength(7)
    for (const failure of results.filter((result) => result !== undefined)) {
      expect(failure).toMatchObject({
        code: 'TOO_MANY_REQUESTS',
        details: {
          budget: 'caller',
          limit: 'calls',
          resetAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT00:00:00Z$/),
          retryAfterSeconds: expect.any(Number),
        },
      })
    }
  })

  it('counts what was spent, not what was set aside', async () => {
    const account = newAccount()
    await fund(database, account, 1_000)
    const budgets = uses({ action: { calls: undefined, credits: 100 } }, account)
    const call = async (effectId: string, cost: number) => {
      const owner = ownerOf(account, { budgets })
      const failure = await reserve(database, owner, [{ effectId, amount: 80, ...NOTHING_ELSE }])
      if (!failure) await close(owner, effectId, cost === 0 ? 'nothing' : 'answered', cost)
      return failure?.details
    }
    expect(await call(`${account}/1`, 10)).toBeUndefined()
    expect(await call(`${account}/2`, 0)).toBeUndefined()
    expect(await call(`${account}/3`, 20)).toBeUndefined()
    expect(await call(`${account}/4`, 80)).toMatchObject({ budget: 'action', limit: 'credits' })
    expect(await accountOf(database, account)).toEqual({ available: 970, reserved: 0 })
  })

  it('that is used up charges nothing', async () => {
    const account = newAccount()
    await fund(database, account, 100)
    const budgets = uses({ app: { calls: 0, credits: undefined } }, account)
    expect(
      await reserve(database, ownerOf(account, { budgets }), [
        { effectId: account, amount: 50, ...NOTHING_ELSE },
      ]),
    ).toMatchObject({ code: 'TOO_MANY_REQUESTS', details: { budget: 'app' } })
    expect(await accountOf(database, account)).toEqual({ available: 100, reserved: 0 })
  })
})
