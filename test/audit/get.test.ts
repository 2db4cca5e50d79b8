// limits.md: audit-steps

import { randomUUID } from 'node:crypto'
import { actionRegistry, fail, ok } from 'deputyjs'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { type ActionContext, action, internalAction } from '../fixture/deputy.ts'
import { get } from '../http/send.ts'
import { openMarket } from '../ledger/open-market.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

it('an entry is given with the outside calls that belong to it, and with no others', async () => {
  await using market = await openMarket({ isOwnerUnmetered: true })
  const { app } = market
  const [meter, broken] = [randomUUID(), randomUUID()]
  await market.act((ctx) => ctx.tools.integration('dev/meter', { id: randomUUID() }), { user: 'ben' })
  await market.act(async (ctx) => {
    await ctx.tools.integration('dev/meter', { id: meter })
    await ctx.tools.integration('dev/buy', { id: broken, how: 'resets' })
    return ok(null)
  })
  await market.act(async () => ok(null))
  const owner = await app.as('owner')
  const entries = await owner.audit.list({ action: 'act', actor: 'ada' })
  const [entry] = entries.data?.entries ?? []
  const read = await owner.audit.get({ id: entry?.id ?? '' })
  expect(read).toMatchObject({
    data: {
      entry: { id: entry?.id, actor: 'ada', action: 'act', outcome: 'OK' },
      steps: [
        { endpoint: 'dev/meter', outcome: 'answered', status: 200, payer: 'owner', cost: 30 },
        { endpoint: 'dev/buy', outcome: 'unknown', status: null, payer: 'owner', cost: 10 },
      ],
      job: null,
    },
  })
  expect(read.data?.entry).toEqual(entry)
  await market.change(
    `insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, cost, hold, endpoint, invocation)
     select 'owner', 'settle', 0, 0, 1, 'more-' || n, 'dev/meter', '${entry?.id}' from generate_series(1, 300) n`,
  )
  expect((await owner.audit.get({ id: entry?.id ?? '' })).data?.steps).toHaveLength(200)
  expect(read.data?.steps.every(({ durationMs, at }) => (durationMs ?? -1) >= 0 && at instanceof Date)).toBe(
    true,
  )
})

const ANSWERS = [
  ['ok', 'answered', 200],
  ['refuses', 'nothing', 422],
  ['breaks', 'answered', 500],
  ['html', 'unknown', 200],
  ['other shape', 'unknown', 200],
  ['redirects', 'nothing', 302],
  ['resets', 'unknown', null],
] as const

it.each(['by itself', 'with a key', 'together', 'through the proxy', 'later'] as const)(
  'a call that is made %s is told with the status that it was answered with',
  async (made) => {
    await using market = await openMarket({ isOwnerUnmetered: true })
    const { app } = market
    const buy = (ctx: ActionContext, how: string) =>
      ctx.tools.integration(made === 'through the proxy' ? 'proxied-dev/buy' : 'dev/meter', {
        id: randomUUID(),
        how,
      })
    await market.act(
      async (ctx) => {
        if (made === 'together') await Promise.all(ANSWERS.map(([how]) => buy(ctx, how)))
        for (const [how] of ANSWERS) {
          if (made === 'later') await ctx.tools.enqueue('dev/meter', { id: randomUUID(), how })
          else if (made !== 'together') await buy(ctx, how)
        }
        return ok(null)
      },
      made === 'with a key' ? { key: randomUUID() } : {},
    )
    // A message that may pass is tried again: then it is given up.
    await market.change('update deputy.queue set max_attempts = 1')
    await doAllDue(app.engine)
    const owner = await app.as('owner')
    const [entry] = (await owner.audit.list({ action: 'act' })).data?.entries ?? []
    const { data } = await owner.audit.get({ id: entry?.id ?? '' })
    const told = data?.steps.map(({ outcome, status }) => `${outcome} ${status}`).sort()
    const shaped = ([how, outcome, status]: (typeof ANSWERS)[number]) => {
      // The proxy's answers have no shape; of a message it is enough that it was taken, and one that broke down is given up.
      if (how === 'other shape' && made === 'through the proxy') return `answered ${status}`
      if (made !== 'later') return `${outcome} ${status}`
      return how === 'html' || how === 'other shape'
        ? `answered ${status}`
        : `${how === 'breaks' ? 'nothing' : outcome} ${status}`
    }
    expect(told).toEqual(ANSWERS.map(shaped).sort())
  },
)

it('an entry of a job names it, and its schedule', async () => {
  const gloomy = internalAction.input(z.strictObject({})).mutation(async () => fail('CONFLICT', 'No.'))
  const laterOn = action
    .input(z.strictObject({}))
    .mutation(({ ctx }) => ctx.tools.later(gloomy, {}, { attempts: 1 }))
  await using app = await createTestApp({ actions: actionRegistry({ gloomy, laterOn }) })
  await (await app.as('ada')).actions.laterOn({})
  await doAllDue(app.engine)
  const owner = await app.as('owner')
  const idOf = async (name: string) => (await owner.audit.list({ action: name })).data?.entries[0]?.id ?? ''
  const job = (await owner.jobs.list()).data?.jobs[0]?.id
  const read = async (name: string) => (await owner.audit.get({ id: await idOf(name) })).data
  expect(await read('gloomy')).toMatchObject({ job: { id: job, schedule: null }, steps: [] })
  expect(await read('laterOn')).toMatchObject({ job: null })
  await execute(app.database, app.databaseUrl, `update deputy.queue set series = 'nightly'`)
  expect(await read('gloomy')).toMatchObject({ job: { id: job, schedule: 'nightly' } })
})

it('an entry is for the owner and admins, and one that there is not is said to be none', async () => {
  await using app = await createTestApp()
  const url = await app.listen()
  const created = await (await app.as('ada')).records.events.create({
    data: { title: 'Launch', startsAt: new Date('2030-01-01T00:00:00Z'), capacity: 1 },
  })
  expect(created.success).toBe(true)
  const { data } = await (await app.as('owner')).audit.list()
  const address = `${url}/api/audit/${data?.entries[0]?.id}`
  expect((await get(address)).status).toBe(401)
  expect((await get(address, { token: await app.token('ada') })).json).toMatchObject({ code: 'FORBIDDEN' })
  const token = await app.token('owner')
  expect((await get(address, { token })).json).toMatchObject({
    data: { entry: { action: 'records.events.create', actor: 'ada' }, steps: [], job: null },
  })
  expect(await get(`${url}/api/audit/nothing`, { token })).toMatchObject({
    status: 404,
    json: { error: 'There is no entry "nothing" in the audit log; old ones are pruned.' },
  })
})
