import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseRange } from '../../server/auth/client-address.ts'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { startUpstream, type Upstream } from '../integrations/upstream.ts'
import { accountOf, fund } from '../ledger/ledger.ts'
import { createTestApp } from '../support/test-app.ts'
import { post } from './send.ts'

// limits.md: budgets

const PRICE = 100
const BUDGET = 3
const SECRET = `secret-${randomUUID()}`
const input = z.strictObject({
  word: z.string().max(200).optional(),
  pin: z.string().max(200).meta({ secret: true }).optional(),
})
const endpoints = { ask: endpoint({ method: 'POST', path: '/ask', input, price: PRICE }) }
const direct = { baseUrl: { env: 'PROVIDER_URL' }, endpoints }
const integrations = defineIntegrations({
  open: { billing: 'developer', clients: 'anyone', direct },
  own: { billing: 'user', clients: 'users', direct },
})
const loopback = ['127.0.0.0/8', '::1'].map(parseRange).filter((range) => range !== undefined)

const open = (provider: Upstream) =>
  createTestApp({
    integrations,
    integrationEnv: { PROVIDER_URL: provider.url },
    trustedProxies: loopback,
    budgets: { ...DEFAULT_BUDGETS, caller: { calls: BUDGET, credits: undefined } },
  })
let provider: Upstream
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  provider = await startUpstream()
  app = await open(provider)
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})

async function ask(
  name: string,
  { user, from, data = {} }: { user?: string; from?: string; data?: unknown } = {},
) {
  const token = user === undefined ? undefined : await app.token(user)
  const headers = from === undefined ? {} : { 'x-forwarded-for': from }
  const url = `${await app.listen()}/api/integrations/${name}/ask`
  return post(url, { token, headers, body: JSON.stringify(data) })
}

const newUser = () => `user-${randomUUID()}`

describe('a call that cannot be paid', () => {
  it.each([undefined, newUser()])(
    'by %s says what there is and what is needed, and not who the owner is',
    async (user) => {
      const left = PRICE - 63
      const before = (await accountOf(app.database, 'owner')).available
      if (before < left) await fund(app.database, 'owner', left - before)
      const refused = await ask('open', user === undefined ? {} : { user })
      expect(refused.json).toEqual({
        success: false,
        code: 'PAYMENT_REQUIRED',
        error:
          "The app's owner has 37 micro-credits available, and this may cost 100; credits must be granted first.",
        details: { availableCredits: left, requiredCredits: PRICE },
      })
    },
  )

  it('tells whoever pays what they have', async () => {
    const user = newUser()
    await fund(app.database, user, 37)
    for (const [name, payer] of [
      ['own', user],
      ['open', 'owner'],
    ] as const) {
      const { available } = await accountOf(app.database, payer)
      expect((await ask(name, { user: payer })).json).toMatchObject({
        code: 'PAYMENT_REQUIRED',
        error: expect.stringContaining(payer),
        details: { availableCredits: available, requiredCredits: PRICE },
      })
    }
  })
})

describe('a caller without a token', () => {
  it('has one budget for the whole /64 of an IPv6 address', async () => {
    await fund(app.database, 'owner', PRICE * 100)
    const answers = []
    for (let nth = 1; nth <= BUDGET + 2; nth += 1)
      answers.push(await ask('open', { from: `2001:db8::${nth}:${nth}` }))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429])
    expect(answers.at(-1)?.json).toMatchObject({ details: { budget: 'caller' } })
    expect((await ask('open', { from: '2001:db8:0:1::1' })).status).toBe(200)
  })
})

describe('the audit of a call', () => {
  const inputOf = async (user: string) => {
    const sql = 'select input from deputy.audit_detail where actor = $1'
    const { rows } = await app.database.query({ sql, params: [user] })
    return rows.map(([text]) => JSON.parse(String(text)))
  }

  it('keeps its data without the fields that the endpoint marks secret', async () => {
    const user = newUser()
    await fund(app.database, user, PRICE)
    expect((await ask('own', { user, data: { word: 'hello', pin: SECRET } })).status).toBe(200)
    expect(await inputOf(user)).toEqual([{ endpoint: 'own/ask', data: { word: 'hello', pin: '[secret]' } }])
  })

  it.each([{ pins: SECRET }, { pin: [SECRET] }, [SECRET], SECRET])(
    'keeps nothing of data that is not right: a secret may stand anywhere in it',
    async (data) => {
      const user = newUser()
      expect((await ask('own', { user, data })).status).toBe(400)
      expect(JSON.stringify(await inputOf(user))).not.toContain(SECRET)
    },
  )
})
