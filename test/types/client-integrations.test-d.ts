// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import { z } from 'zod'
import { createClient, unwrap } from '../../client/core/index.ts'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import type { ClientCall } from '../../server/integrations/endpoint-types.ts'
import type { FixtureRouter } from '../fixture/app.ts'

export async function typedClient() {
  const { integrations } = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000', token: 'x' })
  const data = { latitude: 52.5, longitude: 13.4 }
  unwrap(await integrations.request.mutate({ endpoint: 'weather/forecast', data }))
  // @ts-expect-error: what is open to actions alone is no endpoint here.
  await integrations.request.mutate({ endpoint: 'openai/chat-completion', data: {} })
  // @ts-expect-error: there is no such integration.
  await integrations.request.mutate({ endpoint: 'unlisted/anything', data })
  // @ts-expect-error: who pays is no input.
  await integrations.request.mutate({ endpoint: 'weather/forecast', data, payer: 'caller' })
  // @ts-expect-error: a mutation is no query.
  await integrations.request.query({ endpoint: 'weather/forecast', data })
  const [first] = unwrap(await integrations.list.query()).integrations
  return first?.clients satisfies 'none' | 'users' | 'anyone' | undefined
}

const declared = defineIntegrations({
  shop: {
    billing: 'developer',
    clients: 'users',
    direct: {
      baseUrl: { env: 'SHOP_BASE_URL' },
      endpoints: {
        buy: endpoint({
          method: 'POST',
          path: '/orders',
          input: z.strictObject({ item: z.string(), count: z.int().default(1) }),
          price: 1,
        }),
        hours: endpoint({
          method: 'GET',
          path: '/hours',
          input: z.strictObject({ day: z.string().optional() }),
          price: 0,
        }),
      },
    },
  },
  hidden: {
    billing: 'developer',
    clients: 'none',
    direct: {
      baseUrl: { env: 'HIDDEN_BASE_URL' },
      endpoints: {
        x: endpoint({ method: 'GET', path: '/x', input: z.strictObject({}), price: 0 }),
      },
    },
  },
  proxied: { billing: 'user', clients: 'users' },
})

const calls: ClientCall<typeof declared>[] = [
  { endpoint: 'shop/buy', data: { item: 'tea' } },
  { endpoint: 'shop/buy', data: { item: 'tea', count: 2 } },
  { endpoint: 'shop/hours' },
  { endpoint: 'shop/hours', data: { day: 'monday' } },
  { endpoint: 'proxied/anything' },
  { endpoint: 'proxied/anything', data: ['any', { json: null }] },
  // @ts-expect-error: its data is required.
  { endpoint: 'shop/buy' },
  // @ts-expect-error: the data is that of another endpoint.
  { endpoint: 'shop/buy', data: { day: 'monday' } },
  // @ts-expect-error: a field is of another type.
  { endpoint: 'shop/buy', data: { item: 5 } },
  // @ts-expect-error: there is no field of this name.
  { endpoint: 'shop/buy', data: { item: 'tea', payer: 'caller' } },
  // @ts-expect-error: the shop has no endpoint of this name.
  { endpoint: 'shop/sell', data: { item: 'tea' } },
  // @ts-expect-error: it is open to actions alone.
  { endpoint: 'hidden/x', data: {} },
  // @ts-expect-error: a date is no JSON.
  { endpoint: 'proxied/anything', data: { at: new Date() } },
]

export { calls }
