// Everything the fault tests need of an app, for processes of their own too: nothing here may import vitest.

import { actionRegistry, defineSchedules, fail, ok } from 'deputyjs'
import { Hono } from 'hono'
import { SignJWT } from 'jose'
import type { Logger } from 'pino'
import { z } from 'zod'
import { createKeySource } from '../../server/auth/key-source.ts'
import { createVerifier, type Verifier } from '../../server/auth/verifier.ts'
import { NamedActions } from '../../server/builders/named-actions.ts'
import { resolveSchedules } from '../../server/builders/schedules.ts'
import type { Database } from '../../server/db/database.ts'
import { createIntegrations } from '../../server/integrations/create-integrations.ts'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import { createHttpClient } from '../../server/integrations/http-client.ts'
import type { Failpoint } from '../../server/invocation/engine.ts'
import { createApp } from '../../server/lifecycle/create-app.ts'
import { loadSystemSecret } from '../../server/lifecycle/system-secret.ts'
import { NO_RATE_LIMITS } from '../../server/limits/rate-limits.ts'
import * as collections from '../fixture/collections.ts'
import { action, internalAction, type Routes } from '../fixture/deputy.ts'

const ISSUER = 'https://issuer.test'
const AUDIENCE = 'deputy-faults'
const SECRET = 'a secret of the fault tests alone, 32 bytes and more'
const NO_LIMIT = { calls: undefined, credits: undefined }
const named = z.strictObject({ name: z.string() })
const event = (title: string) => ({
  title,
  startsAt: new Date('2030-01-01T18:00:00.000Z'),
  capacity: 100_000,
})

export const NOTE_PRICE = 10
const integrations = defineIntegrations({
  /** Notes that whoever calls pays for. */
  notes: {
    billing: 'user',
    clients: 'users',
    direct: {
      baseUrl: { env: 'BANK_URL' },
      endpoints: {
        send: endpoint({
          method: 'POST',
          path: '/note',
          input: z.strictObject({ for: z.string(), nth: z.int() }),
          idempotencyHeader: 'Idempotency-Key',
          retries: 0,
          price: NOTE_PRICE,
        }),
      },
    },
  },
})

/** How often a job of this name fails yet, in this process. */
export const failuresLeft = new Map<string, number>()

/** A job: an event, a note that its caller pays for, and a guest, all or none. */
const work = internalAction.input(named).mutation(async ({ ctx, input }) => {
  const created = await ctx.tools.create('events', event(input.name))
  if (!created.success) return created
  const sent = await ctx.tools.integration('notes/send', { for: input.name, nth: 1 })
  if (!sent.success) return sent
  const { recordId } = created.data
  const invited = await ctx.tools.create('attendees', { eventId: recordId, attendeeId: input.name })
  if (!invited.success) return invited
  if (input.name.startsWith('refused')) return fail('BAD_REQUEST', 'On purpose.')
  const left = failuresLeft.get(input.name) ?? 0
  failuresLeft.set(input.name, left - 1)
  return left > 0 ? fail('SERVICE_UNAVAILABLE', 'On purpose.') : ok({ recordId })
})

/** What a schedule does every second: an event that is named after its tick, and a guest. */
const beat = internalAction.input(z.strictObject({})).mutation(async ({ ctx }) => {
  const created = await ctx.tools.create('events', event(ctx.requestId))
  if (!created.success) return created
  const { recordId } = created.data
  const invited = await ctx.tools.create('attendees', { eventId: recordId, attendeeId: 'nobody' })
  return invited.success ? ok({ recordId }) : invited
})

const schedules = defineSchedules({
  beat: { every: { seconds: 1 }, action: beat, input: {}, overlap: 'queue', attempts: 100 },
})

export const PAID = 700
const paid = z.strictObject({ name: z.string(), account: z.string() })

/** What a webhook says: an event in the place of a payment, and credits for whoever has paid. */
const pay = internalAction.input(paid).mutation(async ({ ctx, input: { name, account } }) => {
  const created = await ctx.tools.create('events', event(name))
  if (!created.success) return created
  const granted = await ctx.tools.grantCredits({ account, amount: PAID })
  return granted.success ? ok({ recordId: created.data.recordId }) : granted
})

/** A webhook whose signature nobody checks. */
const routes: Routes = ({ act, respond }) =>
  new Hono().post('/hooks/:key', async (c) => {
    const input = paid.parse(await c.req.json())
    return respond(await act(pay, input, { key: c.req.param('key'), name: 'payments' }))
  })

const actions = actionRegistry({
  work,
  beat,
  pay,
  /** Queues jobs. */
  plan: action.input(z.strictObject({ names: z.array(z.string()) })).mutation(async ({ ctx, input }) => {
    for (const name of input.names) {
      const queued = await ctx.tools.later(work, { name }, { attempts: 100 })
      if (!queued.success) return queued
    }
    return ok({})
  }),
  /** Queues a job, which a key may make unique. */
  queueOne: action
    .input(z.strictObject({ name: z.string(), key: z.string().optional(), replaces: z.boolean().optional() }))
    .mutation(({ ctx, input: { name, key, replaces } }) =>
      ctx.tools.later(
        work,
        { name },
        { attempts: 100, key, onDuplicate: key === undefined ? undefined : replaces ? 'replace' : 'keep' },
      ),
    ),
  cancelOne: action
    .input(z.strictObject({ jobId: z.string() }))
    .mutation(({ ctx, input }) => ctx.tools.cancel(input.jobId)),
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
  /** An event with two notes about it. It fails on purpose: at once, or when what the notes cost is set aside. */
  notify: action
    .input(z.strictObject({ name: z.string(), fails: z.enum(['never', 'first', 'later']) }))
    .mutation(async ({ ctx, input }) => {
      const created = await ctx.tools.create('events', event(input.name))
      if (!created.success) return created
      for (const nth of [1, 2]) {
        const queued = await ctx.tools.enqueue('notes/send', { for: input.name, nth })
        if (!queued.success) return queued
      }
      const fails = input.fails === 'first' || (input.fails === 'later' && ctx.attempt > 1)
      return fails ? fail('PRECONDITION_FAILED', 'On purpose.') : ok(created.data)
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
    rateLimits: NO_RATE_LIMITS,
    collections,
    actions,
    schedules: await resolveSchedules(schedules, new NamedActions(actions)),
    routes,
    log,
    fingerprintKey: await loadSystemSecret(database, 'fingerprint'),
    http,
    integrations: createIntegrations({
      declarations: integrations,
      env: (name) => (name === 'BANK_URL' ? bankUrl : undefined),
      apiWorkerUrl: bank,
      ownerJwt: 'a.b.c',
      ownerUserId: 'owner',
      http,
      log,
    }),
    verifier: createFaultVerifier(),
    ownerUserId: 'owner',
    isOwnerUnmetered: true,
    budgets: { caller: NO_LIMIT, action: NO_LIMIT, app: NO_LIMIT, anonymous: NO_LIMIT },
    ...(failpoint ? { failpoint } : {}),
  })
}

/** Verifies the tokens of `mintToken`. */
export function createFaultVerifier(): Verifier {
  return createVerifier({
    keys: createKeySource({ kind: 'secret', secret: SECRET }),
    issuer: ISSUER,
    audience: AUDIENCE,
  })
}

/** A token of this user. */
export function mintToken(userId: string): Promise<string> {
  return new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: userId, exp: Math.floor(Date.now() / 1_000) + 3_600 })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(SECRET))
}
