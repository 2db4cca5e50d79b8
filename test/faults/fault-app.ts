// Everything the fault tests need of an app, for processes of their own too: nothing here may import vitest.
import { SignJWT } from 'jose'
import type { Logger } from 'pino'
import { z } from 'zod'
import * as collections from '../../drizzle/collections.ts'
import { createApp } from '../../server/app.ts'
import { createKeySource } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { action, actionRegistry, ok } from '../../server/authoring.ts'
import type { Database } from '../../server/db/database.ts'
import type { Failpoint } from '../../server/engine.ts'
import { createIntegrations } from '../../server/integrations/create.ts'
import { createHttpClient } from '../../server/integrations/http-client.ts'
import { loadSystemSecret } from '../../server/system-secret.ts'

const ISSUER = 'https://issuer.test'
const AUDIENCE = 'deputy-faults'
const SECRET = 'a secret of the fault tests alone, 32 bytes and more'
const named = z.strictObject({ name: z.string() })
const event = (title: string) => ({
  title,
  startsAt: new Date('2030-01-01T18:00:00.000Z'),
  capacity: 100_000,
})

const actions = actionRegistry({
  /** An event and its guest, both or neither. */
  place: action.input(named).mutation(async ({ ctx, input }) => {
    const created = await ctx.tools.create('events', event(input.name))
    if (!created.success) return created
    const { recordId } = created.data
    const invited = await ctx.tools.create('attendees', { eventId: recordId, attendeeId: input.name })
    return invited.success ? ok({ recordId }) : invited
  }),
  /** The same, with the bank asked before each half of it and after. */
  order: action.input(named).mutation(async ({ ctx, input }) => {
    const created = await ctx.tools.create('events', event(input.name))
    if (!created.success) return created
    const { recordId } = created.data
    const charged = await ctx.tools.integration('bank/charge', { for: input.name, recordId })
    if (!charged.success) return charged
    const invited = await ctx.tools.create('attendees', { eventId: recordId, attendeeId: input.name })
    if (!invited.success) return invited
    const sent = await ctx.tools.integration('bank/receipt', { for: input.name, at: ctx.now.toISOString() })
    return sent.success ? ok({ recordId }) : sent
  }),
  /** Reads a count and writes the next one. */
  raise: action.input(z.strictObject({ eventId: z.string() })).mutation(async ({ ctx, input }) => {
    const found = await ctx.tools.get('events', input.eventId)
    if (!found.success) return found
    const { attendeeCount } = found.data.record.data
    const saved = await ctx.tools.update('events', input.eventId, { attendeeCount: attendeeCount + 1 })
    return saved.success ? ok({ attempt: ctx.attempt }) : saved
  }),
})

export interface FaultAppOptions {
  readonly database: Database
  /** The bank's address. @default no bank */
  readonly bankUrl?: string | undefined
  readonly failpoint?: Failpoint
  readonly log: Logger
}

/** An app on this database; all apps of one database share the key of their fingerprints. */
export async function createFaultApp({ database, bankUrl, failpoint, log }: FaultAppOptions) {
  const bank = bankUrl === undefined ? undefined : new URL(bankUrl)
  const http = createHttpClient({ allowPrivate: bank ? [bank.host] : [] })
  return createApp({
    database,
    collections,
    actions,
    log,
    fingerprintKey: await loadSystemSecret(database, 'fingerprint'),
    http,
    integrations: createIntegrations({
      declarations: {},
      env: () => undefined,
      apiWorkerUrl: bank,
      ownerJwt: 'a.b.c',
      ownerUserId: 'owner',
      http,
      log,
    }),
    verifier: createVerifier({
      keys: createKeySource({ kind: 'secret', secret: SECRET }),
      issuer: ISSUER,
      audience: AUDIENCE,
    }),
    ...(failpoint ? { failpoint } : {}),
  })
}

/** A token of this user. */
export function mintToken(userId: string): Promise<string> {
  return new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: userId, exp: Math.floor(Date.now() / 1_000) + 3_600 })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(SECRET))
}
