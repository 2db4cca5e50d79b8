import { randomUUID } from 'node:crypto'
import { actionRegistry } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { MAX_BODY_BYTES } from '../../server/http/request-input.ts'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { action } from '../fixture/deputy.ts'
import { startUpstream, type Upstream } from '../integrations/upstream.ts'
import { fund } from '../ledger/ledger.ts'
import { marketEnv, marketIntegrations, openStalls, PRICE, timesAsked } from '../ledger/market.ts'
import { createTestApp } from '../support/test-app.ts'
import { RawClient } from './raw-client.ts'

const input = z.strictObject({ id: z.string() })
const agent = { description: 'Buys one.' }
const actions = actionRegistry({
  buyForOwner: action
    .input(input)
    .meta({ agent })
    .mutation(({ ctx, input }) => ctx.tools.integration('dev/buy', input)),
  buyForCaller: action
    .input(input)
    .meta({ agent })
    .mutation(({ ctx, input }) => ctx.tools.integration('own/buy', input)),
})

let provider: Upstream
let app: Awaited<ReturnType<typeof open>>
let url: string
const open = () =>
  createTestApp({
    actions,
    integrations: marketIntegrations,
    integrationEnv: marketEnv(provider.url),
    apiWorkerUrl: provider.url,
    budgets: { ...DEFAULT_BUDGETS, caller: { calls: 2, credits: undefined } },
  })
beforeAll(async () => {
  provider = await startUpstream()
  openStalls(provider)
  app = await open()
  url = await app.listen()
  await fund(app.database, 'owner', 100 * PRICE)
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})

const failureOf = ({ content }: { readonly content: readonly { readonly text: string }[] }) =>
  JSON.parse(content[0]?.text ?? '')

it('an agent spends of the owner’s money what its user may spend in a day', async () => {
  const ada = new RawClient(url, await app.token('ada'))
  const id = randomUUID()
  const answers = [
    await ada.call('buyForOwner', { id }),
    await ada.call('buyForOwner', { id }),
    await ada.call('buyForOwner', { id }),
  ]
  expect(answers.map(({ isError }) => isError ?? false)).toEqual([false, false, true])
  expect(failureOf(answers[2] as (typeof answers)[number])).toMatchObject({
    code: 'TOO_MANY_REQUESTS',
    details: { budget: 'caller', retryAfterSeconds: expect.any(Number) },
  })
  expect(timesAsked(provider, id)).toBe(2)
})

it('an agent is told what its user lacks, and spends what there is', async () => {
  const bob = new RawClient(url, await app.token('bob'))
  const id = randomUUID()
  expect(failureOf(await bob.call('buyForCaller', { id }))).toMatchObject({
    code: 'PAYMENT_REQUIRED',
    details: { availableCredits: 0, requiredCredits: PRICE },
  })
  expect(timesAsked(provider, id)).toBe(0)
  await fund(app.database, 'bob', PRICE)
  expect((await bob.call('buyForCaller', { id })).isError ?? false).toBe(false)
  expect(timesAsked(provider, id)).toBe(1)
})

it('a message that is too long is refused unread', async () => {
  const cyd = new RawClient(url, await app.token('cyd'))
  const long = await cyd.send(`{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(MAX_BODY_BYTES)}"}`)
  expect(long.status).toBe(413)
})
