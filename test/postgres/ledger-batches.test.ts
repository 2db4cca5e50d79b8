import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, SqlError } from '../../server/db/database.ts'
import type { BudgetUse } from '../../server/ledger/budgets.ts'
import { Ledger } from '../../server/ledger/ledger.ts'
import type { ReservationAccount, ReservationOrder } from '../../server/ledger/reservation.ts'
import { sweepReservations } from '../../server/ledger/sweep.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'

const PRICE = 10

let opened: TestDatabase
let database: Database
let ledger: Ledger
/** A connection beside the server's. */
let admin: postgres.Sql
let statements = 0
/** Why statements failed. */
const failures: unknown[] = []
beforeAll(async () => {
  opened = await openTestDatabase()
  database = {
    ...opened.database,
    write: async (statement) => {
      statements += 1
      try {
        return await opened.database.write(statement)
      } catch (error) {
        failures.push(error instanceof SqlError ? error.sqlstate : error)
        throw error
      }
    },
  }
  ledger = new Ledger(database)
  admin = postgres(opened.url ?? '', { max: 2, onnotice: () => {} })
})
afterAll(async () => {
  await checkLedger(opened.database)
  await admin.end()
  await opened[Symbol.asyncDispose]()
})

async function newAccount(credits = 1_000): Promise<string> {
  const account = `user-${randomUUID()}`
  await fund(opened.database, account, credits)
  return account
}

function order(account: string, more: Partial<ReservationAccount> = {}, amount = PRICE): ReservationOrder {
  const invocation = randomUUID()
  const owner: ReservationAccount = {
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
  const request = { effectId: randomUUID(), amount, endpoint: 'provider/call', transport: 'direct' } as const
  return { account: owner, request, state: 'sent' }
}

const budget = (subject: string, limit: BudgetUse['limit']): BudgetUse => ({
  budget: 'action',
  subject,
  limit,
})
const reserveAll = (orders: readonly ReservationOrder[]) =>
  Promise.all(orders.map((each) => ledger.reserve(each)))
const close = (
  { account: owner, request }: ReservationOrder,
  cost = PRICE,
  outcome: 'answered' | 'nothing' = 'answered',
) => ledger.settle({ effectId: request.effectId, holder: owner.holder, outcome, cost, durationMs: 1 })
const times = <T>(count: number, make: (nth: number) => T) =>
  Array.from({ length: count }, (_, nth) => make(nth))
/** The server's connections that wait for a row. */
const waiting = () => admin<{ pid: number }[]>`
  select pid from pg_stat_activity
  where datname = current_database() and application_name = 'deputy' and wait_event_type = 'Lock'`
const entries = (account: string, kind: string) =>
  admin`select effect from deputy.credit_entries where account = ${account} and kind = ${kind}`

describe('calls that come at once', () => {
  it('share statements, to set money aside and to settle', async () => {
    const account = await newAccount()
    const used = budget(account, { calls: undefined, credits: undefined })
    const orders = times(60, () => order(account, { budgets: [used] }))
    statements = 0
    expect(await reserveAll(orders)).toEqual(times(60, () => undefined))
    expect(statements).toBe(2)
    expect(await accountOf(database, account)).toEqual({ available: 400, reserved: 600 })
    statements = 0
    await Promise.all(orders.map((each, nth) => (nth % 3 === 0 ? close(each, 0, 'nothing') : close(each, 4))))
    expect(statements).toBe(2)
    expect(await accountOf(database, account)).toEqual({ available: 1_000 - 160, reserved: 0 })
    const [day] =
      await admin`select calls::int, credits::int from deputy.budget_days where subject = ${account}`
    expect(day).toEqual({ calls: 40, credits: 160 })
    expect(await entries(account, 'reserve')).toHaveLength(60)
    expect(await entries(account, 'settle')).toHaveLength(40)
    expect(await entries(account, 'refund')).toHaveLength(20)
  })

  it('are refused one by one: who cannot pay keeps nobody else from it', async () => {
    const [rich, poor] = [await newAccount(), await newAccount(PRICE - 1)]
    const orders = times(30, (nth) => order(nth % 5 === 2 ? poor : rich))
    const answers = await reserveAll(orders)
    answers.forEach((answer, nth) => {
      if (nth % 5 !== 2) expect(answer).toBeUndefined()
      else
        expect(answer).toMatchObject({ code: 'PAYMENT_REQUIRED', details: { availableCredits: PRICE - 1 } })
    })
    expect(await accountOf(database, poor)).toEqual({ available: PRICE - 1, reserved: 0 })
    expect(await accountOf(database, rich)).toEqual({ available: 1_000 - 240, reserved: 240 })
    await Promise.all(orders.map((each) => close(each)))
  })

  it.each([
    ['calls', { calls: 7, credits: undefined }],
    ['credits', { calls: undefined, credits: 7 * PRICE + PRICE - 1 }],
  ] as const)(
    'of a budget of %s, as many pass as it allows, and others of other budgets',
    async (_unit, limit) => {
      const account = await newAccount()
      const [scarce, ample] = [
        budget(`${account}/scarce`, limit),
        budget(account, { ...limit, calls: 100, credits: 9_000 }),
      ]
      const orders = times(40, (nth) =>
        order(account, { budgets: nth % 2 === 0 ? [scarce, ample] : [ample] }),
      )
      const answers = await reserveAll(orders)
      const [limited, free] = [0, 1].map((rest) => answers.filter((_, nth) => nth % 2 === rest))
      expect(free).toEqual(times(20, () => undefined))
      expect(limited?.filter((answer) => answer === undefined)).toHaveLength(7)
      for (const answer of limited ?? [])
        if (answer) expect(answer).toMatchObject({ code: 'TOO_MANY_REQUESTS', details: { budget: 'action' } })
      expect(await accountOf(database, account)).toEqual({ available: 1_000 - 270, reserved: 270 })
      await Promise.all(orders.map((each) => close(each)))
    },
  )

  it('take over what a dead holder left, without paying for it again', async () => {
    const account = await newAccount()
    const left = { ...order(account), state: 'reserved' } as const
    await ledger.reserve(left)
    const heir = { ...order(account), request: left.request }
    expect(await reserveAll([...times(5, () => order(account)), heir])).toEqual(times(6, () => undefined))
    expect(await accountOf(database, account)).toEqual({ available: 940, reserved: 60 })
    await close(left)
    expect(await accountOf(database, account)).toEqual({ available: 940, reserved: 60 })
    await close(heir)
    expect(await accountOf(database, account)).toEqual({ available: 940, reserved: 50 })
  })

  it('of several servers: neither money nor a budget is spent twice', async () => {
    await using second = await openSecondServer()
    const account = await newAccount(25 * PRICE)
    const used = budget(account, { calls: 20, credits: undefined })
    const orders = times(80, () => order(account, { budgets: [used] }))
    const answers = await Promise.all(
      orders.map((each, nth) => (nth % 2 === 0 ? ledger : second.ledger).reserve(each)),
    )
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(20)
    await Promise.all([
      ...orders.map((each) => close(each, PRICE)),
      sweepReservations(database),
      ...orders.map(({ account: owner, request }) =>
        second.ledger.settle({
          effectId: request.effectId,
          holder: owner.holder,
          outcome: 'nothing',
          cost: 0,
          durationMs: 1,
        }),
      ),
    ])
    const { available, reserved } = await accountOf(database, account)
    const [day] =
      await admin`select calls::int, credits::int from deputy.budget_days where subject = ${account}`
    expect({ spent: 25 * PRICE - available, reserved }).toEqual({ spent: day?.credits, reserved: 0 })
    expect((await entries(account, 'settle')).length + (await entries(account, 'refund')).length).toBe(20)
  })

  it('whatever they want, get it if it can be paid, and leave the ledger in order', async () => {
    const wish = fc.record({
      who: fc.nat(2),
      amount: fc.nat(60),
      isUnmetered: fc.boolean(),
      uses: fc.subarray([0, 1]),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(wish, { minLength: 2, maxLength: 40 }), async (wishes) => {
        const accounts = await Promise.all([0, 1, 2].map((nth) => newAccount(40 + nth * 100)))
        const name = randomUUID()
        const limits = [
          { calls: 6, credits: undefined },
          { calls: undefined, credits: 150 },
        ] as const
        const orders = wishes.map(({ who, amount, isUnmetered, uses }) =>
          order(
            accounts[who] ?? '',
            {
              isMetered: !isUnmetered,
              budgets: uses.map((nth) => budget(`${name}/${nth}`, limits[nth] ?? limits[0])),
            },
            amount,
          ),
        )
        const answers = await reserveAll(orders)
        const granted = orders.filter((_, nth) => answers[nth] === undefined)
        const usedOf = (nth: number) => {
          const subject = `${name}/${nth}`
          const all = granted.filter(({ account: owner }) =>
            owner.budgets.some((use) => use.subject === subject),
          )
          return { calls: all.length, credits: all.reduce((sum, { request }) => sum + request.amount, 0) }
        }
        expect(usedOf(0).calls).toBeLessThanOrEqual(6)
        expect(usedOf(1).credits).toBeLessThanOrEqual(150)
        for (const [nth, answer] of answers.entries()) {
          const { account: owner, request } = orders[nth] ?? expect.unreachable()
          if (answer?.code === 'PAYMENT_REQUIRED')
            expect((await accountOf(database, owner.account)).available).toBeLessThan(request.amount)
          else if (answer)
            expect([6, 150]).toContainEqual(answer.details?.limit === 'calls' ? usedOf(0).calls : 150)
        }
        await Promise.all(granted.map((each) => close(each)))
        await checkLedger(database)
      }),
      { numRuns: 40 },
    )
  })
})

describe('when something goes wrong', () => {
  it('a row that somebody has locked keeps those from nothing who do not need it', async () => {
    const [locked, free] = [await newAccount(), await newAccount()]
    const isLocked = (nth: number) => nth % 5 === 3
    const orders = times(20, (nth) => order(isLocked(nth) ? locked : free))
    failures.length = 0
    const { waiters } = await admin.begin(async (holder) => {
      await holder`select from deputy.credit_accounts where account = ${locked} for update`
      const asked = orders.map((each) => ledger.reserve(each))
      expect(await Promise.all(asked.filter((_, nth) => !isLocked(nth)))).toEqual(times(16, () => undefined))
      return { waiters: Promise.all(asked) }
    })
    expect(await waiters).toEqual(times(20, () => undefined))
    // They did not wait for the end of the statement's time.
    expect(failures).toEqual(['55P03'])
    expect(await accountOf(database, locked)).toEqual({ available: 960, reserved: 40 })
    await Promise.all(orders.map((each) => close(each)))
  })

  it('a connection that ends under a statement of many: each is set aside once all the same', async () => {
    const account = await newAccount()
    const orders = times(20, () => order(account))
    const answers = await admin.begin(async (holder) => {
      await holder`select from deputy.credit_accounts where account = ${account} for update`
      const asked = reserveAll(orders)
      await endWaiting()
      return { asked }
    })
    expect(await answers.asked).toEqual(times(20, () => undefined))
    expect(await accountOf(database, account)).toEqual({ available: 800, reserved: 200 })
    expect(await entries(account, 'reserve')).toHaveLength(20)

    const closed = await admin.begin(async (holder) => {
      await holder`select from deputy.credit_accounts where account = ${account} for update`
      const asked = Promise.all(orders.map((each) => close(each, 4)))
      await endWaiting()
      return { asked }
    })
    await closed.asked
    expect(await accountOf(database, account)).toEqual({ available: 920, reserved: 0 })
    expect(await entries(account, 'settle')).toHaveLength(20)
  })

  it('a statement whose answer was lost after it had committed is not done a second time', async () => {
    const account = await newAccount()
    let isLosing = true
    const losing = new Ledger({
      ...opened.database,
      async write(statement) {
        const answer = await opened.database.write(statement)
        if (!isLosing) return answer
        isLosing = false
        throw new Error('The answer was lost')
      },
    })
    const orders = times(5, () => order(account))
    expect(await Promise.all(orders.map((each) => losing.reserve(each)))).toEqual(times(5, () => undefined))
    expect(await accountOf(database, account)).toEqual({ available: 950, reserved: 50 })
    isLosing = true
    const closings = orders.map(({ account: owner, request }) =>
      losing.settle({
        effectId: request.effectId,
        holder: owner.holder,
        outcome: 'answered',
        cost: PRICE,
        durationMs: 1,
      }),
    )
    await Promise.all(closings)
    expect(await accountOf(database, account)).toEqual({ available: 950, reserved: 0 })
    expect(await entries(account, 'settle')).toHaveLength(5)
  })
})

/** Ends the first connection that waits for a row. */
async function endWaiting(): Promise<void> {
  await expect.poll(async () => (await waiting()).length).toBeGreaterThan(0)
  await admin`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'deputy' and wait_event_type = 'Lock'`
}

async function openSecondServer() {
  const { openPostgres } = await import('../../server/db/postgres.ts')
  const pool = openPostgres({ url: opened.url ?? '' })
  return { ledger: new Ledger(pool), [Symbol.asyncDispose]: () => pool.close() }
}
