import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { expect, it } from 'vitest'
import { json } from '../integrations/upstream.ts'
import { eventData, gate } from '../invocation/probe.ts'
import { PRICE } from '../ledger/market.ts'
import { openMarket } from '../ledger/open-market.ts'

const POOL = 10
const WAITING = 200

it(`${WAITING} paid calls that wait for their provider keep nobody from a pool of ${POOL}`, async () => {
  await using market = await openMarket({ pool: { max: POOL, acquireTimeoutMs: 25_000 } })
  const [user, sale] = [`user-${randomUUID()}`, randomUUID()]
  await market.fund(user, WAITING * PRICE)
  const held = gate()
  let answered = 0
  market.provider.onPath('/buy', async (_received, response) => {
    await held.opened
    answered += 1
    json(response, 200, { total: PRICE })
  })
  // Half of them have a transaction open when they call.
  const waiting = Array.from({ length: WAITING }, (_, nth) =>
    market.act(
      async (ctx) => {
        if (nth % 2 === 0) await ctx.tools.count('events', { title: sale })
        return ctx.tools.integration('own/buy', { id: sale })
      },
      { user },
    ),
  )
  await expect.poll(() => market.timesAsked(sale)).toBe(WAITING)
  expect(await market.balance(user)).toEqual({ available: 0, reserved: WAITING * PRICE })

  // They could not finish if they waited for the provider: it has answered none.
  const created = await Promise.all(
    Array.from({ length: 100 }, () =>
      market.act((ctx) => ctx.tools.create('events', eventData(sale)), { user: 'grace' }),
    ),
  )
  expect(created.every(({ success }) => success === true)).toBe(true)
  expect(answered).toBe(0)

  held.open()
  expect(await Promise.all(waiting)).toEqual(Array(WAITING).fill(ok({ total: PRICE })))
  expect(await market.balance(user)).toEqual({ available: 0, reserved: 0 })
  expect(await market.closings(user)).toEqual(Array(WAITING).fill(['settle', PRICE, 'answered']))
  await market.isSettled()
})
