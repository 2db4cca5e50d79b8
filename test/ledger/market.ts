// What the tests of money buy, and from whom; for processes of their own too: nothing here may import vitest.
import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import { json, type Received, type Upstream } from '../integrations/upstream.ts'

/** How long a `brief` may take. */
export const BRIEF_MS = 200
/** Of a `buy` and of a `brief`. */
export const PRICE = 10
/** What is set aside for a `meter` and a `keyed`, which cost what the provider says: `total`. */
export const RESERVE = 100

/** What a provider makes of a sale. */
export type How =
  | 'ok'
  | 'refuses'
  | 'echoes'
  | 'breaks'
  | 'html'
  | 'other shape'
  | 'redirects'
  | 'resets'
  | 'hangs'

const input = z.strictObject({
  id: z.string(),
  how: z.string().default('ok'),
  /** What the provider says that it cost. */
  total: z.unknown().default(30),
  /** Whether the price cannot be told beforehand. */
  isPriceless: z.boolean().default(false),
  prompt: z.string().max(100).meta({ secret: true }).optional(),
})
const metered = {
  method: 'POST',
  input,
  output: z.object({ total: z.unknown() }),
  retries: 0,
  price: {
    reserve({ isPriceless }: z.output<typeof input>) {
      if (isPriceless) throw new Error('No price')
      return RESERVE
    },
    charge({ total }: { readonly total?: unknown }) {
      if (total === 'throws') throw new Error('No total')
      return Number(total)
    },
  },
} as const
const fixed = { method: 'POST', input, retries: 0, price: PRICE } as const

const endpoints = {
  buy: endpoint({ ...fixed, path: '/buy' }),
  /** With little time. */
  brief: endpoint({ ...fixed, path: '/brief', timeoutMs: BRIEF_MS }),
  meter: endpoint({ ...metered, path: '/meter' }),
  /** The provider knows a repeated call by its key. */
  keyed: endpoint({ ...metered, path: '/keyed', idempotencyHeader: 'Idempotency-Key' }),
}
const baseUrl = { env: 'PROVIDER_URL' }

/** Integrations of every kind: both billings, directly and by proxy, closed and open. */
export const marketIntegrations = defineIntegrations({
  dev: {
    billing: 'developer',
    clients: 'users',
    direct: { baseUrl, secret: { env: 'DEV_KEY', as: 'bearer' }, endpoints },
  },
  own: {
    billing: 'user',
    clients: 'users',
    direct: { baseUrl, secret: { env: 'OWN_KEY', as: 'header', name: 'X-Api-Key' }, endpoints },
  },
  open: {
    billing: 'developer',
    clients: 'anyone',
    direct: { baseUrl, secret: { env: 'BASIC_KEY', as: 'basic', user: 'app' }, endpoints },
  },
  closed: { billing: 'developer', clients: 'none', direct: { baseUrl, endpoints } },
  /** Where no server may go. */
  internal: {
    billing: 'developer',
    clients: 'users',
    direct: {
      baseUrl: { env: 'INTERNAL_URL', default: 'http://127.0.0.1:9' },
      secret: { env: 'DEV_KEY', as: 'bearer' },
      endpoints,
    },
  },
  'proxied-dev': { billing: 'developer', clients: 'users' },
  'proxied-own': { billing: 'user', clients: 'users' },
  'proxied-open': { billing: 'developer', clients: 'anyone' },
})

/** The variables that the declarations name. */
export function marketEnv(providerUrl: string): Readonly<Record<string, string>> {
  return {
    PROVIDER_URL: providerUrl,
    DEV_KEY: 'canary-key-of-dev',
    OWN_KEY: 'canary-key-of-own',
    BASIC_KEY: 'canary-password-of-open',
  }
}

/** Lets a provider sell: it does with each sale what the sale says. */
export function openStalls(provider: Upstream): void {
  for (const { path } of Object.values(endpoints)) provider.onPath(path, sell)
  for (const integration of ['proxied-dev', 'proxied-own', 'proxied-open'])
    provider.on(`${integration}/buy`, sell)
}

/** How often a provider was asked for a sale. */
export function timesAsked(provider: Upstream, id: string): number {
  return provider.received.filter(({ body }) => (body as { readonly id?: string } | undefined)?.id === id)
    .length
}

/** What a provider answers to a sale: what the sale says. It tells of all that it was sent where it may. */
export function sell({ body, headers }: Received, response: ServerResponse): void {
  const { how = 'ok', total = 30 } = body as { readonly how?: How; readonly total?: unknown }
  const echo = JSON.stringify(headers)
  const answers: Readonly<Record<How, () => unknown>> = {
    ok: () => json(response, 200, { total }),
    refuses: () => json(response, 422, { message: 'Not for sale' }),
    echoes: () =>
      json(response, 422, { message: echo, error: echo, issues: [{ path: [echo], message: echo }] }),
    breaks: () => json(response, 500, { message: echo }),
    html: () => response.writeHead(200, { 'content-type': 'text/html' }).end(`<p>${echo}</p>`),
    'other shape': () => json(response, 200, { sum: echo }),
    redirects: () => response.writeHead(302, { location: `http://169.254.169.254/?${echo}` }).end(),
    resets: () => response.destroy(),
    hangs: () => undefined,
  }
  answers[how]()
}
