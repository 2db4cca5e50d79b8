// Run by the fault tests as a process of its own: a server whose action buys, and that kills itself where it is told to.

import { actionRegistry, ok } from 'deputyjs'
import { pino } from 'pino'
import { z } from 'zod'
import { findPooler, openAt } from '../../server/db/database-address.ts'
import { createIntegrations } from '../../server/integrations/create-integrations.ts'
import { createHttpClient } from '../../server/integrations/http-client.ts'
import { createApp } from '../../server/lifecycle/create-app.ts'
import { listen } from '../../server/lifecycle/listen.ts'
import { loadSystemSecret } from '../../server/lifecycle/system-secret.ts'
import { NO_RATE_LIMITS } from '../../server/limits/rate-limits.ts'
import * as collections from '../fixture/collections.ts'
import { action } from '../fixture/deputy.ts'
import { marketEnv, marketIntegrations } from '../ledger/market.ts'
import { dieWhenTold } from './death.ts'
import { createFaultVerifier } from './fault-app.ts'

const [, , databaseUrl = '', providerUrl = ''] = process.argv
const address = { url: databaseUrl }
const database = openAt(address, await findPooler(address), { max: 8 })
const log = pino({ level: 'error' }, pino.destination(2))
const http = createHttpClient({ allowPrivate: [new URL(providerUrl).host] })
const env = new Map(Object.entries(marketEnv(providerUrl)))

const input = z.strictObject({ name: z.string(), endpoint: z.enum(['meter', 'keyed']) })
const actions = actionRegistry({
  /** An event, and something bought for it. */
  purchase: action.input(input).mutation(async ({ ctx, input: { name, endpoint } }) => {
    const created = await ctx.tools.create('events', {
      title: name,
      startsAt: new Date('2030-01-01T18:00:00Z'),
      capacity: 1,
    })
    if (!created.success) return created
    const bought = await ctx.tools.integration(`own/${endpoint}`, { id: name })
    return bought.success ? ok({ recordId: created.data.recordId }) : bought
  }),
})

const app = createApp({
  database,
  rateLimits: NO_RATE_LIMITS,
  collections,
  actions,
  log,
  http,
  fingerprintKey: await loadSystemSecret(database, 'fingerprint'),
  ownerUserId: 'owner',
  integrations: createIntegrations({
    declarations: marketIntegrations,
    env: (name) => env.get(name),
    apiWorkerUrl: undefined,
    ownerJwt: undefined,
    ownerUserId: 'owner',
    http,
    log,
  }),
  verifier: createFaultVerifier(),
  failpoint: dieWhenTold(),
})
const { url } = await listen({ http: app.http, host: '127.0.0.1', port: 0 })
process.send?.({ url, document: app.openApi().text })
