import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defineIntegrations } from '../../server/integrations/declarations.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { createTestApp } from '../support/test-app.ts'
import { shops } from './shop.ts'
import { json, startUpstream, type Upstream } from './upstream.ts'

const PRICE = 7
const { 'buy-once': buy } = shops.shop.direct.endpoints
const integrations = defineIntegrations({
  shop: {
    billing: 'user',
    clients: 'users',
    direct: { baseUrl: { env: 'SHOP_BASE_URL' }, endpoints: { buy } },
  },
})
let dies = false
const open = ({ url }: Upstream) =>
  createTestApp({
    integrations,
    integrationEnv: { SHOP_BASE_URL: url },
    failpoint: (name) => {
      if (dies && name === 'after-step-sent') throw new Error('died')
    },
  })
let upstream: Upstream
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  upstream = await startUpstream()
  app = await open(upstream)
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

it.each([
  [400, 'unknown'],
  [429, 'unknown'],
  [503, 'unknown'],
  [200, 'answered'],
])(
  'what may have happened is paid for, though it is sent again and answered with %i',
  async (status, outcome) => {
    const user = `user-${randomUUID()}`
    await fund(app.database, user, PRICE)
    upstream.onPath('/keyed', (_received, response) => json(response, status, { id: 'x', total: 1 }))
    const caller = app.createCaller({ token: await app.token(user), idempotencyKey: randomUUID() })
    const call = () => caller.integrations.request({ endpoint: 'shop/buy', data: { item: 'tea' } } as never)
    dies = true
    await call()
    dies = false
    expect(await accountOf(app.database, user)).toEqual({ available: 0, reserved: PRICE })
    expect((await call()).success).toBe(status === 200)
    const sql =
      "select cost, outcome from deputy.credit_entries where account = $1 and kind in ('settle', 'refund')"
    const { rows } = await app.database.query({ sql, params: [user] })
    expect(rows.map(([cost, what]) => [Number(cost), what])).toEqual([[PRICE, outcome]])
    await checkLedger(app.database)
  },
)
