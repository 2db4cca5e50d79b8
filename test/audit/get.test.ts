// limits.md: audit-steps

import { randomUUID } from 'node:crypto'
import { actionRegistry, fail, ok } from 'deputyjs'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { action, internalAction } from '../fixture/deputy.ts'
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
        { endpoint: 'dev/meter', outcome: 'answered', payer: 'owner', cost: 30 },
        { endpoint: 'dev/buy', outcome: 'unknown', payer: 'owner', cost: 10 },
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
