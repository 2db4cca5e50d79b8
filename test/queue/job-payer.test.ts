import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { action, internalAction } from '../fixture/deputy.ts'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { fund } from '../ledger/ledger.ts'
import { createTestApp } from '../support/test-app.ts'

const PRICE = 40
const direct = {
  baseUrl: { env: 'PROVIDER_URL' },
  endpoints: {
    send: endpoint({ method: 'POST', path: '/send', input: z.strictObject({}), retries: 0, price: PRICE }),
  },
} as const
const integrations = defineIntegrations({
  callers: { billing: 'user', clients: 'users', direct },
  owners: { billing: 'developer', clients: 'none', direct },
  'callers-proxy': { billing: 'user', clients: 'users' },
  'owners-proxy': { billing: 'developer', clients: 'none' },
})
const ENDPOINTS = ['callers/send', 'owners/send', 'callers-proxy/send', 'owners-proxy/send'] as const
const buy = internalAction
  .input(z.strictObject({ endpoint: z.enum(ENDPOINTS) }))
  .mutation(async ({ ctx, input }): Promise<ActionResult<unknown>> => {
    const tools = ctx.tools as unknown as {
      integration(endpoint: string, data: object): Promise<ActionResult<unknown>>
    }
    return tools.integration(input.endpoint, {})
  })
const queue = action
  .input(z.strictObject({ endpoint: z.enum(ENDPOINTS), as: z.enum(['owner', 'caller']) }))
  .mutation(({ ctx, input: { endpoint, as } }) => ctx.tools.later(buy, { endpoint }, { as, attempts: 1 }))
const inner = internalAction
  .input(z.strictObject({ endpoint: z.enum(ENDPOINTS) }))
  .mutation(({ ctx, input }) => ctx.tools.later(buy, input, { attempts: 1 }))
const mail = internalAction
  .input(z.strictObject({}))
  .mutation(async ({ ctx }): Promise<ActionResult<unknown>> => {
    const tools = ctx.tools as unknown as {
      enqueue(endpoint: string, data: object): Promise<ActionResult<unknown>>
    }
    return tools.enqueue('owners/send', {})
  })
const actions = actionRegistry({ buy, queue, inner, mail })

const open = (providerUrl: string) =>
  createTestApp({
    actions,
    integrations,
    integrationEnv: { PROVIDER_URL: providerUrl },
    apiWorkerUrl: providerUrl,
    ownerJwt: 'the.owners.token',
  })
let provider: Upstream
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  provider = await startUpstream()
  app = await open(provider.url)
  for (const path of ['/send', '/api/integrations/owners-proxy/send'])
    provider.onPath(path, (_received, response) => json(response, 200, {}))
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})
beforeEach(() => {
  provider.received.length = 0
})

const available = async (account: string) => {
  const balance = await (await app.as('owner')).credits.balance({ account })
  return balance.success ? balance.data.available : undefined
}
const lastError = async () => {
  const listed = await (await app.as('owner')).jobs.list({ action: 'buy', limit: 1 })
  return listed.success ? listed.data.jobs[0]?.lastError : listed.error
}

it.each([
  { endpoint: 'callers/send', as: 'caller', pays: 'caller' },
  { endpoint: 'callers/send', as: 'owner', pays: 'owner' },
  { endpoint: 'owners/send', as: 'caller', pays: 'owner' },
  { endpoint: 'owners/send', as: 'owner', pays: 'owner' },
] as const)('a job as the $as that calls $endpoint is paid by the $pays', async ({ endpoint, as, pays }) => {
  const user = randomUUID()
  await fund(app.database, user, 1_000)
  await fund(app.database, 'owner', 1_000)
  const before = { caller: await available(user), owner: await available('owner') }
  await (await app.as(user)).actions.queue({ endpoint, as })
  expect((await doAllDue(app.engine)).map(({ outcome }) => outcome?.kind)).toEqual(['done'])
  const after = { caller: await available(user), owner: await available('owner') }
  const spent = (who: 'caller' | 'owner') => Number(before[who]) - Number(after[who])
  expect([spent('caller'), spent('owner')]).toEqual(pays === 'caller' ? [PRICE, 0] : [0, PRICE])
})

it('a job goes through the proxy with the owner’s token where the owner pays, and else not at all', async () => {
  const ada = await app.as('ada')
  await ada.actions.queue({ endpoint: 'owners-proxy/send', as: 'caller' })
  await doAllDue(app.engine)
  expect(provider.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer the.owners.token'])
  await ada.actions.queue({ endpoint: 'callers-proxy/send', as: 'caller' })
  expect((await doAllDue(app.engine)).map(({ outcome }) => outcome?.kind)).toEqual(['dead'])
  expect(provider.received).toHaveLength(1)
  expect(await lastError()).toMatch(
    /^PRECONDITION_FAILED: .*the caller's own token, and this runs without one/,
  )
})

it('what runs as no one cannot make a caller pay; the owner pays as for the app itself', async () => {
  await fund(app.database, 'owner', 1_000)
  const queued = async (endpoint: (typeof ENDPOINTS)[number]) => {
    const found = app.actions.referred(inner)
    if (!found) throw new Error('There is no such action')
    const { callAsApp } = await import('../../server/builders/call-as-app.ts')
    const made = await callAsApp(app.engine, found, {
      source: 'command',
      userId: null,
      readInput: () => ({ endpoint }),
    })
    if (!made.success) throw new Error(made.error)
  }
  await queued('callers/send')
  expect((await doAllDue(app.engine)).map(({ outcome }) => outcome?.kind)).toEqual(['dead'])
  expect(await lastError()).toMatch(
    /^PRECONDITION_FAILED: Whoever this runs as pays for it, and it runs as no one/,
  )
  await queued('owners/send')
  expect((await doAllDue(app.engine)).map(({ outcome }) => outcome?.kind)).toEqual(['done'])
  // What it sends later as well, when that has to be paid for again.
  const sending = app.actions.referred(mail)
  if (!sending) throw new Error('There is no such action')
  const { callAsApp } = await import('../../server/builders/call-as-app.ts')
  await callAsApp(app.engine, sending, { source: 'command', userId: null, readInput: () => ({}) })
  await app.database.write({ sql: 'delete from deputy.credit_holds', params: [] })
  expect((await doAllDue(app.engine)).map(({ outcome }) => outcome?.kind)).toEqual(['done'])
  const counted = await app.database.query({
    sql: "select budget from deputy.budget_days where subject like 'address:%' or budget = 'anonymous'",
    params: [],
  })
  expect(counted.rows).toEqual([])
})

it.each([
  [undefined, 'UNAUTHORIZED'],
  ['mia', 'FORBIDDEN'],
  ['ann', 'FORBIDDEN'],
  ['owner', undefined],
] as const)('jobs are for the owner alone: %s is answered %s', async (user, code) => {
  const owner = await app.as('owner')
  await (await app.as('ann')).users.register()
  await owner.users.setRole({ userId: 'ann', role: 'admin' })
  await (await app.as('mia')).actions.queue({ endpoint: 'callers/send', as: 'caller' })
  await doAllDue(app.engine)
  const listed = await owner.jobs.list({ state: 'failed', limit: 1 })
  const id = listed.success ? (listed.data.jobs[0]?.id ?? '') : ''
  const { jobs } = app.createCaller(user === undefined ? {} : { token: await app.token(user) })
  for (const call of [
    () => jobs.list({}),
    () => jobs.get({ id }),
    () => jobs.retry({ id }),
    () => jobs.cancel({ id }),
  ]) {
    const answer = await call().catch((error: unknown) => error)
    if (code) expect(answer).toMatchObject({ code })
    else expect(answer).toMatchObject(ok({}))
  }
})
