// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import { z } from 'zod'
import type { JsonValue } from '../../server/core/result.ts'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import type { AttemptDatabase } from '../../server/tools/tools.ts'
import type { Tools } from '../../server/tools/types.ts'

const declared = defineIntegrations({
  shop: {
    billing: 'developer',
    clients: 'none',
    direct: {
      baseUrl: { env: 'SHOP_BASE_URL' },
      secret: { env: 'SHOP_KEY', as: 'basic', user: 'shop' },
      endpoints: {
        buy: endpoint({
          method: 'POST',
          path: '/orders',
          input: z.strictObject({ item: z.string(), count: z.int().default(1) }),
          output: z.object({ id: z.string(), total: z.number().optional() }),
          price: {
            reserve: ({ count }) => count * 2,
            charge: ({ total }, { count }) => (total ?? 2) * count,
          },
        }),
        hours: endpoint({
          method: 'GET',
          path: '/hours',
          input: z.strictObject({ day: z.string().optional() }),
          query: ({ day }) => ({ day }),
          price: 0,
        }),
      },
    },
  },
  proxied: { billing: 'user', clients: 'users' },
})

export async function typedCalls(tools: Tools<Record<never, never>, AttemptDatabase, typeof declared>) {
  const bought = await tools.integration('shop/buy', { item: 'tea' })
  if (!bought.success) return bought
  bought.data.id satisfies string
  bought.data.total satisfies number | undefined
  // @ts-expect-error: the answer has no such field.
  bought.data.price
  await tools.integration('shop/buy', { item: 'tea', count: 2 })
  // @ts-expect-error: its data is required.
  await tools.integration('shop/buy')
  // @ts-expect-error: a field is missing.
  await tools.integration('shop/buy', { count: 2 })
  // @ts-expect-error: a field is of another type.
  await tools.integration('shop/buy', { item: 5 })
  // @ts-expect-error: there is no field of this name.
  await tools.integration('shop/buy', { item: 'tea', payer: 'caller' })
  // @ts-expect-error: the shop has no endpoint of this name.
  await tools.integration('shop/sell', { item: 'tea' })

  const hours = await tools.integration('shop/hours')
  if (hours.success) hours.data satisfies JsonValue
  await tools.integration('shop/hours', { day: 'monday' })

  // What no endpoint is declared of takes and answers any JSON.
  const asked = await tools.integration('proxied/anything', [1, 2])
  if (asked.success) asked.data satisfies JsonValue
  await tools.integration('unlisted/anything')
  const name: string = 'shop/buy'
  await tools.integration(name, { any: 'json' })
  // @ts-expect-error: a date is no JSON.
  await tools.integration('unlisted/anything', { at: new Date() })
  return undefined
}

const input = z.strictObject({ q: z.string() })
const base = { method: 'POST', path: '/x', input, price: 1 } as const
endpoint(base)
// @ts-expect-error: everything has its price.
endpoint({ method: 'POST', path: '/x', input })
// @ts-expect-error: a price that follows from the answer needs a reserve.
endpoint({ ...base, price: { charge: () => 1 } })
// @ts-expect-error: a path begins with its slash.
endpoint({ ...base, path: 'x' })
// @ts-expect-error: a price in credits of another kind is a number too.
endpoint({ ...base, price: 1n })
// @ts-expect-error: the input has no such field.
endpoint({ ...base, query: ({ day }) => ({ day }) })

const direct = { baseUrl: { env: 'X_URL' }, endpoints: { x: endpoint(base) } }
const own = { billing: 'user', clients: 'users' } as const
defineIntegrations({ a: { billing: 'developer', clients: 'anyone', direct }, b: { ...own, direct } })
// @ts-expect-error: an anonymous caller cannot pay.
defineIntegrations({ a: { billing: 'user', clients: 'anyone', direct } })
// @ts-expect-error: who may call is said on purpose.
defineIntegrations({ a: { billing: 'developer', direct } })
// @ts-expect-error: a secret is never put into the URL.
defineIntegrations({ a: { ...own, direct: { ...direct, secret: { env: 'K', as: 'query' } } } })
// @ts-expect-error: a header has a name.
defineIntegrations({ a: { ...own, direct: { ...direct, secret: { env: 'K', as: 'header' } } } })
