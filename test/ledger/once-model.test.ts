import { randomUUID } from 'node:crypto'
import { fail } from 'deputyjs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { eventData } from '../invocation/probe.ts'
import { RESERVE } from './market.ts'
import { type Handler, openMarket } from './open-market.ts'

const RUNS = 25
const GRANT = 250
const TOTAL = 30

/** What a sale costs, by what the provider makes of it. */
const COSTS = { ok: TOTAL, refuses: 0, breaks: 0, html: RESERVE, resets: RESERVE } as const

interface Sale {
  readonly how: keyof typeof COSTS
  /** Whether a transaction is open when it is made. */
  readonly isSuspended: boolean
}
interface Call {
  /** What it buys, one after the other. */
  readonly sales: readonly Sale[]
  /** How many conflicts it meets after them. */
  readonly conflicts: number
  readonly ending: 'succeeds' | 'fails' | 'throws'
  /** How often it is sent, under one key. */
  readonly times: number
}

const call: fc.Arbitrary<Call> = fc.record({
  sales: fc.array(
    fc.record({
      how: fc.constantFrom<Sale['how'][]>('ok', 'ok', 'ok', 'refuses', 'breaks', 'html', 'resets'),
      isSuspended: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
  conflicts: fc.nat(2),
  ending: fc.constantFrom('succeeds', 'succeeds', 'fails', 'throws'),
  times: fc.integer({ min: 1, max: 3 }),
})

it('whatever calls do, in whatever order: one charge for each sale, and no more than there is', async () => {
  await using market = await openMarket()
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 5 }), async (calls) => {
      const user = `user-${randomUUID()}`
      await market.fund(user, GRANT)
      let left = GRANT
      for (const call of calls) {
        const sales = call.sales.map((sale) => ({ ...sale, id: randomUUID(), asked: 0 }))
        const once = { user, key: randomUUID(), id: randomUUID() }
        for (let time = 0; time < call.times; time += 1) {
          await market.act(handlerOf(call, sales), once).catch(() => undefined)
          // What has succeeded is not done again; of what has failed, what the provider has answered is not.
          if (time > 0 && call.ending === 'succeeds') continue
          for (const sale of sales) {
            if (left < RESERVE || (sale.asked > 0 && sale.how !== 'refuses')) continue
            sale.asked += 1
            left -= COSTS[sale.how]
          }
        }
        expect(sales.map(({ id }) => market.timesAsked(id))).toEqual(sales.map(({ asked }) => asked))
        expect(await market.balance(user)).toEqual({ available: left, reserved: 0 })
      }
      await market.isSettled()
    }),
    { numRuns: RUNS },
  )
}, 240_000)

/** An action that makes its sales whatever becomes of each of them, and is run again as often as it meets conflicts. */
function handlerOf({ conflicts, ending }: Call, sales: readonly (Sale & { readonly id: string })[]): Handler {
  let met = 0
  return async (ctx) => {
    for (const { id, how, isSuspended } of sales) {
      if (isSuspended) await ctx.tools.count('events')
      await ctx.tools.integration('own/meter', { id, how })
    }
    met += 1
    if (met <= conflicts)
      await ctx.tools.sql((it) =>
        it.execute(`do $$ begin raise exception 'again' using errcode = '40001'; end $$`),
      )
    const created = await ctx.tools.create('events', eventData())
    if (ending === 'throws') throw new Error('On purpose')
    return ending === 'fails' ? fail('CONFLICT', 'On purpose') : created
  }
}
