// limits.md: spending-days, spending-groups

import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { get } from '../http/send.ts'
import { openMarket } from './open-market.ts'

const DAY_MS = 86_400_000
const day = (at: Date) => at.toISOString().slice(0, 10)

/** Writes what calls have cost, without making them: `[days ago, action, endpoint, caller, cost]`. */
type Cost = readonly [daysAgo: number, action: string, endpoint: string, caller: string | null, cost: number]

async function note(market: Awaited<ReturnType<typeof openMarket>>, costs: readonly Cost[]): Promise<void> {
  const literal = (text: string | null) => (text === null ? 'null' : `'${text}'`)
  const rows = costs.map(
    ([daysAgo, action, endpoint, caller, cost]) =>
      `(now() - ${daysAgo} * interval '1 day', 'owner', 'settle', 0, 0, ${cost}, '${randomUUID()}', ${literal(action)}, ${literal(endpoint)}, ${literal(caller)})`,
  )
  await market.change(
    `insert into deputy.credit_entries (at, account, kind, available_delta, reserved_delta, cost, hold, action, endpoint, caller)
     values ${rows.join(', ')}`,
  )
}

it('what was spent is summed up by action, integration and user, for each day', async () => {
  await using market = await openMarket({ isOwnerUnmetered: true })
  const id = randomUUID()
  for (const user of ['ada', 'ada', 'ben'])
    await market.act((ctx) => ctx.tools.integration('dev/meter', { id }), { user })
  await note(market, [
    [2, 'act', 'dev/meter', 'ada', 5],
    [2, 'sum', 'dev/other', 'ben', 7],
    [2, 'sum', 'far/other', null, 100],
    // Longer ago than what is asked for.
    [31, 'sum', 'far/other', null, 1_000],
  ])
  // What was only reserved or given is not spent, and no call.
  await market.change(
    `insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, cost, hold, action, endpoint, caller)
     values ('owner', 'reserve', -5, 5, 0, '${randomUUID()}', 'act', 'dev/meter', 'ada'),
       ('owner', 'refund', 5, -5, 0, '${randomUUID()}', 'act', 'dev/meter', 'ada')`,
  )
  const owner = await market.app.as('owner')
  const by = async (what: 'action' | 'integration' | 'user') => {
    const report = await owner.credits.spending({ by: what })
    if (!report.success) throw new Error(report.error)
    return report.data.spending
  }
  const [before, today] = [day(new Date(Date.now() - 2 * DAY_MS)), day(new Date())]
  expect(await by('action')).toEqual([
    { name: 'sum', isOthers: false, cost: 107, calls: 2, days: [{ day: before, cost: 107, calls: 2 }] },
    {
      ...{ name: 'act', isOthers: false, cost: 95, calls: 4 },
      days: [
        { day: before, cost: 5, calls: 1 },
        { day: today, cost: 90, calls: 3 },
      ],
    },
  ])
  expect(await by('integration')).toMatchObject([
    { name: 'dev', cost: 102, calls: 5 },
    { name: 'far', cost: 100, calls: 1 },
  ])
  expect(await by('user')).toMatchObject([
    { name: null, isOthers: false, cost: 100, calls: 1 },
    { name: 'ada', cost: 65, calls: 3 },
    { name: 'ben', cost: 37, calls: 2 },
  ])
})

it('those on whom least was spent are together, and nothing is left out', async () => {
  await using market = await openMarket()
  const costs = Array.from({ length: 30 }, (_, n): Cost => [n % 3, `action${n}`, 'dev/buy', 'ada', n + 1])
  await note(market, costs)
  const owner = await market.app.as('owner')
  const report = await owner.credits.spending({ by: 'action' })
  if (!report.success) throw new Error(report.error)
  const { spending } = report.data
  expect(spending.map(({ name }) => name)).toEqual([
    ...Array.from({ length: 20 }, (_, n) => `action${29 - n}`),
    null,
  ])
  expect(spending.at(-1)).toMatchObject({ isOthers: true, calls: 10, cost: 55 })
  expect(spending.at(-1)?.days).toHaveLength(3)
  const total = spending.flatMap(({ days }) => days).reduce((sum, { cost }) => sum + cost, 0)
  expect(total).toBe(465)
})

it('a time that is none, or too long, is refused with what it may be', async () => {
  await using market = await openMarket()
  const url = `${await market.app.listen()}/api/credits/spending`
  const token = await market.app.token('owner')
  const ask = async (query: string) => (await get(`${url}?${query}`, { token })).json
  expect(await ask('by=action&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z')).toMatchObject({
    data: { from: '2026-01-01T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z', spending: [] },
  })
  expect(await ask('by=action&from=2026-02-01T00:00:00Z&to=2026-02-01T00:00:00Z')).toMatchObject({
    code: 'BAD_REQUEST',
    error: 'from: must be before to',
    issues: [{ path: ['from'] }],
  })
  expect(await ask('by=action&from=2025-01-01T00:00:00Z&to=2026-02-01T00:00:00Z')).toMatchObject({
    error: 'from: must be at most 92 days before to',
  })
  expect(await ask('by=hour')).toMatchObject({ error: 'by: must be action, integration or user' })
  expect(await ask('')).toMatchObject({ code: 'BAD_REQUEST', issues: [{ path: ['by'] }] })
})

it('budgets say how much of them a day has used, page by page', async () => {
  await using market = await openMarket({
    isOwnerUnmetered: true,
    budgets: { ...DEFAULT_BUDGETS, caller: { calls: 7, credits: undefined } },
  })
  const id = randomUUID()
  for (const user of ['ada', 'ada', 'ben', 'owner'])
    await market.act((ctx) => ctx.tools.integration('dev/meter', { id }), { user })
  const owner = await market.app.as('owner')
  const today = day(new Date())
  const { app, action } = DEFAULT_BUDGETS
  const used = [
    {
      budget: 'action',
      subject: 'act',
      calls: 4,
      credits: 120,
      maxCalls: action.calls,
      maxCredits: action.credits,
    },
    { budget: 'app', subject: '', calls: 4, credits: 120, maxCalls: app.calls, maxCredits: app.credits },
    { budget: 'caller', subject: 'user:ada', calls: 2, credits: 60, maxCalls: 7, maxCredits: null },
    { budget: 'caller', subject: 'user:ben', calls: 1, credits: 30, maxCalls: 7, maxCredits: null },
  ]
  expect(await owner.credits.budgets()).toEqual({
    success: true,
    data: { day: today, budgets: used, nextCursor: null },
  })
  const first = await owner.credits.budgets({ limit: 3 })
  if (!first.success) throw new Error(first.error)
  expect(first.data.budgets).toEqual(used.slice(0, 3))
  expect(await owner.credits.budgets({ limit: 3, cursor: first.data.nextCursor })).toMatchObject({
    data: { budgets: used.slice(3), nextCursor: null },
  })
  expect(await owner.credits.budgets({ budget: 'app', cursor: first.data.nextCursor })).toMatchObject({
    code: 'BAD_REQUEST',
  })
  expect(await owner.credits.budgets({ budget: 'caller' })).toMatchObject({
    data: { budgets: used.slice(2) },
  })
  expect(await owner.credits.budgets({ day: '2026-01-01' })).toMatchObject({ data: { budgets: [] } })
  await expect(owner.credits.budgets({ day: 'today' })).rejects.toThrow(
    'day: must be a day, such as 2026-11-29',
  )
})

it.each(['budgets', 'spending?by=action'])('%s are for the owner alone', async (path) => {
  await using market = await openMarket()
  const url = `${await market.app.listen()}/api/credits/${path}`
  await market.change(`insert into users (record_id, created_by, created_at, updated_at, version, role)
    values ('admin', 'admin', now(), now(), 1, 'admin')`)
  for (const user of ['ada', 'admin'])
    expect((await get(url, { token: await market.app.token(user) })).status).toBe(403)
  expect((await get(url)).status).toBe(401)
  expect((await get(url, { token: await market.app.token('owner') })).status).toBe(200)
})
