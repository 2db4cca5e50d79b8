import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { post } from '../http/send.ts'
import { PRICE, RESERVE } from './market.ts'
import { openMarket } from './open-market.ts'

const NO_LIMIT = { calls: undefined, credits: undefined }
const entries = `select kind, available_delta, reserved_delta, cost, payer, caller, transport, endpoint, outcome,
  duration_ms is not null from deputy.credit_entries where account = 'owner' and kind <> 'grant' order by seq`

it('a call by proxy is noted with no cost, and counts against budgets', async () => {
  await using market = await openMarket({
    budgets: { ...DEFAULT_BUDGETS, caller: { calls: 2, credits: undefined } },
  })
  const id = randomUUID()
  const call = () => market.act((ctx) => ctx.tools.integration('proxied-dev/buy', { id }))
  expect(await call()).toMatchObject({ success: true })
  expect(await call()).toMatchObject({ success: true })
  expect(await call()).toMatchObject({
    success: false,
    code: 'TOO_MANY_REQUESTS',
    details: { budget: 'caller' },
  })
  expect(market.timesAsked(id)).toBe(2)
  const noted = ['settle', '0', '0', '0', 'owner', 'ada', 'proxy', 'proxied-dev/buy', 'answered', 'true']
  expect((await market.rows(entries)).map((row) => row.map(String))).toEqual([noted, noted])
  const audited = await market.rows(
    'select payers::text, cost::int, outcome from deputy.audit_log order by at, id',
  )
  expect(audited).toEqual([
    ['{owner}', 0, 'OK'],
    ['{owner}', 0, 'OK'],
    ['{}', null, 'TOO_MANY_REQUESTS'],
  ])
  await market.isSettled()
})

it('an owner without a limit is charged nothing, what is spent is noted, and budgets hold', async () => {
  await using market = await openMarket({
    isOwnerUnmetered: true,
    budgets: { ...DEFAULT_BUDGETS, caller: { calls: undefined, credits: RESERVE + 30 } },
  })
  const id = randomUUID()
  const call = () => market.act((ctx) => ctx.tools.integration('dev/meter', { id }))
  expect([await call(), await call(), await call()]).toMatchObject([
    { success: true },
    { success: true },
    { success: false, code: 'TOO_MANY_REQUESTS', details: { budget: 'caller', limit: 'credits' } },
  ])
  expect(market.timesAsked(id)).toBe(2)
  const noted = ['settle', '0', '0', '30', 'owner', 'ada', 'direct', 'dev/meter', 'answered', 'true']
  expect((await market.rows(entries)).map((row) => row.map(String))).toEqual([noted, noted])
  expect(await market.balance('owner')).toEqual({ available: 0, reserved: 0 })
  await market.isSettled()
})

it('users pay for themselves, also where the owner has no limit', async () => {
  await using market = await openMarket({ isOwnerUnmetered: true })
  const id = randomUUID()
  const call = (user: string) => market.act((ctx) => ctx.tools.integration('own/buy', { id }), { user })
  expect(await call('ada')).toMatchObject({ success: false, code: 'PAYMENT_REQUIRED' })
  // The owner is a caller, too, and without a limit is without a limit.
  expect(await call('owner')).toMatchObject({ success: true })
  await market.fund('ada', PRICE)
  expect(await call('ada')).toMatchObject({ success: true })
  expect(await market.balance('ada')).toEqual({ available: 0, reserved: 0 })
  await market.isSettled()
})

it('what callers without a token are refused for want of money or budget reaches nobody, and fills no table', async () => {
  await using market = await openMarket({
    budgets: {
      action: NO_LIMIT,
      app: NO_LIMIT,
      caller: { calls: 3, credits: undefined },
      anonymous: NO_LIMIT,
    },
  })
  const id = randomUUID()
  const address = `${await market.app.listen()}/api/integrations/open/buy`
  const call = async () => (await post(address, { body: JSON.stringify({ id }) })).status
  expect([await call(), await call()]).toEqual([402, 402])
  await market.fund('owner', 4 * PRICE)
  expect([await call(), await call(), await call(), await call()]).toEqual([200, 200, 200, 429])
  expect(market.timesAsked(id)).toBe(3)
  expect(await market.balance('owner')).toEqual({ available: PRICE, reserved: 0 })
  const audited = await market.rows(
    'select actor, action, payers::text, cost::int, outcome from deputy.audit_log',
  )
  const paid = [null, 'integrations.request', '{owner}', PRICE, 'OK']
  expect(audited).toEqual([paid, paid, paid])
  await market.isSettled()
})

it('the budget of one action leaves the others', async () => {
  await using market = await openMarket({
    isOwnerUnmetered: true,
    budgets: { ...DEFAULT_BUDGETS, action: { calls: 1, credits: undefined } },
  })
  const id = randomUUID()
  const act = () => market.act((ctx) => ctx.tools.integration('dev/buy', { id }), { user: 'ada' })
  expect(await act()).toMatchObject({ success: true })
  expect(await act()).toMatchObject({
    code: 'TOO_MANY_REQUESTS',
    details: { budget: 'action', limit: 'calls' },
  })
  const grace = await market.app.as('grace')
  expect(await grace.integrations.request({ endpoint: 'dev/buy', data: { id } } as never)).toMatchObject({
    success: true,
  })
  expect(market.timesAsked(id)).toBe(2)
  await market.isSettled()
})
