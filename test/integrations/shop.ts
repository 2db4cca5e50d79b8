import { z } from 'zod'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'

/** How long `brief` may take. */
export const BRIEF_MS = 150
export const SHOP_KEY = 'shop-key-that-nobody-may-see'
const input = z.strictObject({ item: z.string().max(50), count: z.int().min(1).default(1) })
const output = z.object({ id: z.string(), total: z.unknown() })

/** What a test of prices makes of a `total` that the shop answers. */
const price = {
  reserve: ({ count }: { count: number }) => (count === 13 ? -1 : count === 14 ? Number.NaN : count * 100),
  charge({ total }: { total?: unknown }) {
    if (total === 'throws') throw new Error('No total')
    return total === 'NaN' ? Number.NaN : Number(total)
  },
}

/** Integrations of every kind: both billings, by every credential, with and without a provider of their own. */
export const shops = defineIntegrations({
  shop: {
    billing: 'developer',
    clients: 'none',
    direct: {
      baseUrl: { env: 'SHOP_BASE_URL' },
      secret: { env: 'SHOP_KEY', as: 'bearer' },
      endpoints: {
        buy: endpoint({ method: 'POST', path: '/orders', input, output, price, timeoutMs: 5_000 }),
        'buy-once': endpoint({
          method: 'POST',
          path: '/keyed',
          input,
          output,
          idempotencyHeader: 'Idempotency-Key',
          price: 7,
        }),
        wrapped: endpoint({
          method: 'POST',
          path: '/wrapped',
          input,
          query: () => ({ v: 2 }),
          body: ({ item }) => ({ order: [item] }),
          price: 0,
        }),
        broken: endpoint({
          method: 'POST',
          path: '/broken',
          input,
          body: () => {
            throw new Error('No body')
          },
          price: 5,
        }),
        hours: endpoint({
          method: 'GET',
          path: '/hours',
          input: z.strictObject({ day: z.string() }),
          price: 3,
        }),
        brief: endpoint({
          method: 'GET',
          path: '/brief',
          input: z.strictObject({}),
          timeoutMs: BRIEF_MS,
          price: 3,
        }),
      },
    },
  },
  own: {
    billing: 'user',
    clients: 'users',
    direct: {
      baseUrl: { env: 'OWN_BASE_URL' },
      secret: { env: 'OWN_KEY', as: 'header', name: 'X-Api-Key' },
      endpoints: { ask: endpoint({ method: 'POST', path: '/ask', input: z.strictObject({}), price: 2 }) },
    },
  },
  basic: {
    billing: 'developer',
    clients: 'users',
    direct: {
      baseUrl: { env: 'BASIC_BASE_URL' },
      secret: { env: 'BASIC_KEY', as: 'basic', user: 'app' },
      endpoints: { ask: endpoint({ method: 'POST', path: '/ask', input: z.strictObject({}), price: 2 }) },
    },
  },
  open: {
    billing: 'developer',
    clients: 'anyone',
    direct: {
      baseUrl: { env: 'OPEN_BASE_URL' },
      endpoints: { ask: endpoint({ method: 'POST', path: '/ask', input: z.strictObject({}), price: 2 }) },
    },
  },
  'proxied-dev': { billing: 'developer', clients: 'none' },
  'proxied-user': { billing: 'user', clients: 'users' },
})
