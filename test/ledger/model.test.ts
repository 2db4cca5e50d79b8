import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { Parameters } from '../../server/db/statement.ts'
import type { ReservationAccount } from '../../server/ledger/reservation.ts'
import { reserve } from '../../server/ledger/reserve.ts'
import { refund, settleReservation } from '../../server/ledger/settle.ts'
import { sweepAllReservations } from '../../server/ledger/sweep.ts'
import { openTestDatabase } from '../support/database.ts'
import { accountOf, checkLedger, fund } from './ledger.ts'

const RUNS = 60
const ACCOUNTS = 3

type Step =
  | { readonly kind: 'grant'; readonly account: number; readonly amount: number }
  | { readonly kind: 'reserve'; readonly account: number; readonly amounts: readonly number[] }
  | { readonly kind: 'send'; readonly nth: number }
  | {
      readonly kind: 'close'
      readonly nth: number
      readonly outcome: 'answered' | 'nothing' | 'unknown'
      readonly cost: number
      readonly times: number
    }
  | { readonly kind: 'giveUp'; readonly nth: number }
  | { readonly kind: 'takeOver'; readonly nth: number }
  /** The holder dies, and somebody sweeps. */
  | { readonly kind: 'die'; readonly nth: number }

const account = fc.nat(ACCOUNTS - 1)
const nth = fc.nat(20)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('grant' as const), account, amount: fc.integer({ min: 1, max: 200 }) }),
  fc.record({
    kind: fc.constant('reserve' as const),
    account,
    amounts: fc.array(fc.nat(80), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('send' as const), nth }),
  fc.record({
    kind: fc.constant('close' as const),
    nth,
    outcome: fc.constantFrom('answered' as const, 'nothing' as const, 'unknown' as const),
    cost: fc.nat(100),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant('giveUp' as const), nth }),
  fc.record({ kind: fc.constant('takeOver' as const), nth }),
  fc.record({ kind: fc.constant('die' as const), nth }),
)

interface ModelHold {
  readonly effectId: string
  readonly account: string
  readonly amount: number
  owner: ReservationAccount
  isSent: boolean
}

/** The ledger as it ought to be: a few sums. */
class Model {
  readonly balances = new Map<string, { available: number; reserved: number }>()
  readonly holds: ModelHold[] = []
  charges = 0

  of(account: string) {
    const balance = this.balances.get(account) ?? { available: 0, reserved: 0 }
    this.balances.set(account, balance)
    return balance
  }

  close(hold: ModelHold, cost: number): void {
    this.holds.splice(this.holds.indexOf(hold), 1)
    const balance = this.of(hold.account)
    balance.reserved -= hold.amount
    balance.available += hold.amount - Math.min(cost, hold.amount)
    this.charges += Math.min(cost, hold.amount)
  }
}

it('whatever happens in whatever order, entries sum to balances, none is below zero, and an effect is charged once', async () => {
  await using opened = await openTestDatabase()
  const { database } = opened
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const run = randomUUID()
      const model = new Model()
      for (const step of steps) await perform(database, model, run, step)
      for (const [name, balance] of model.balances) expect(await accountOf(database, name)).toEqual(balance)
      const { rows } = await database.query({
        sql: `select coalesce(sum(cost), 0), count(*), count(distinct hold) from deputy.credit_entries
          where account like $1 and kind in ('settle', 'refund')`,
        params: [`${run}%`],
      })
      const [charged, closings, closed] = (rows[0] ?? []).map(Number)
      expect(charged).toBe(model.charges)
      expect(closings).toBe(closed)
      await checkLedger(database)
    }),
    { numRuns: RUNS },
  )
}, 240_000)

async function perform(database: Database, model: Model, run: string, step: Step): Promise<void> {
  if (step.kind === 'grant') {
    const account = `${run}/${step.account}`
    await fund(database, account, step.amount)
    model.of(account).available += step.amount
    return
  }
  if (step.kind === 'reserve') return reserveSome(database, model, `${run}/${step.account}`, step.amounts)
  const hold = model.holds[step.nth % Math.max(1, model.holds.length)]
  if (!hold) return
  switch (step.kind) {
    case 'send':
      await sqlOn(database, `update deputy.credit_holds set state = 'sent' where effect = $1`, [
        hold.effectId,
      ])
      hold.isSent = true
      return
    case 'close': {
      const cost = step.outcome === 'nothing' ? 0 : step.cost
      // Several at once: one of them does it.
      await Promise.all(
        Array.from({ length: step.times }, () => closeOne(database, hold, step.outcome, cost)),
      )
      model.close(hold, cost)
      return
    }
    case 'giveUp':
      await refund(database, hold.owner.holder, [hold.effectId])
      if (!hold.isSent) model.close(hold, 0)
      return
    case 'takeOver': {
      if (hold.isSent) return
      const owner = ownerOf(hold.account)
      const request = { effectId: hold.effectId, amount: hold.amount, ...CALL }
      expect(await reserve(database, owner, [request])).toBeUndefined()
      // Whoever lost it can do nothing with it.
      await closeOne(database, hold, 'answered', hold.amount)
      hold.owner = owner
      return
    }
    case 'die':
      await sqlOn(
        database,
        `update deputy.credit_holds set lease_until = now() - interval '1 second' where effect = $1`,
        [hold.effectId],
      )
      await Promise.all([sweepAllReservations(database), sweepAllReservations(database)])
      // The one that had the turn may have begun before.
      await sweepAllReservations(database)
      model.close(hold, hold.isSent ? hold.amount : 0)
  }
}

const CALL = { endpoint: 'provider/call', transport: 'direct' } as const

async function reserveSome(database: Database, model: Model, account: string, amounts: readonly number[]) {
  const owner = ownerOf(account)
  const requests = amounts.map((amount) => ({ effectId: randomUUID(), amount, ...CALL }))
  const failure = await reserve(database, owner, requests)
  const balance = model.of(account)
  const sum = amounts.reduce((total, amount) => total + amount, 0)
  expect(failure?.code).toBe(sum > balance.available ? 'PAYMENT_REQUIRED' : undefined)
  if (failure) return
  balance.available -= sum
  balance.reserved += sum
  for (const { effectId, amount } of requests)
    model.holds.push({ effectId, account, amount, owner, isSent: false })
}

async function closeOne(
  database: Database,
  { effectId, owner }: ModelHold,
  outcome: 'answered' | 'nothing' | 'unknown',
  cost: number,
): Promise<void> {
  const parameters = new Parameters()
  const isOurs = `effect = ${parameters.bind(effectId)} and holder = ${parameters.bind(owner.holder)}`
  const parts = settleReservation(parameters, isOurs, { outcome, cost, durationMs: undefined })
  await sqlOn(database, `with ${parts} select 1`, parameters.values)
}

function ownerOf(account: string): ReservationAccount {
  const id = randomUUID()
  return {
    account,
    isMetered: true,
    payer: 'caller',
    caller: account,
    action: 'model',
    invocation: id,
    holder: id,
    leaseMs: 600_000,
    budgets: [],
  }
}

async function sqlOn(database: Database, sql: string, params: readonly unknown[]): Promise<void> {
  await database.write({ sql, params })
}
