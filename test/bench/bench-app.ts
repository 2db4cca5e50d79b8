// What the measured server runs: the fixture, and beside it what only a benchmark asks for.

import { actionRegistry, defineApp, ok } from 'deputyjs'
import { index, text } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import * as fixtureActions from '../fixture/actions/index.ts'
import { fixture } from '../fixture/app.ts'
import { action, internalAction } from '../fixture/deputy.ts'

const message = z.strictObject({ message: z.string().max(200) })
const quote = z.object({ quote: z.string() })

const integrations = defineIntegrations({
  ...fixture.integrations,
  /** The local upstream. One of its endpoints answers at once, the other when it is told to. */
  provider: {
    billing: 'developer',
    clients: 'none',
    direct: {
      baseUrl: { env: 'PROVIDER_BASE_URL' },
      endpoints: {
        quick: endpoint({ method: 'POST', path: '/quick', input: message, output: quote, price: 1 }),
        slow: endpoint({
          method: 'POST',
          path: '/slow',
          input: message,
          output: quote,
          timeoutMs: 110_000,
          price: 1,
        }),
      },
    },
  },
})

/** What everybody may read of their own, and nobody of others. Its table is made by `schema.ts`. */
const notes = collection(
  'notes',
  { body: text().notNull() },
  {
    access: { '*': { read: 'own' } },
    constraints: (note) => [
      index('notes_created_by_created_at_idx').on(note.createdBy, note.createdAt, note.recordId),
    ],
  },
)

/** A job that does nothing. */
const empty = internalAction.input(z.strictObject({})).mutation(async () => ok({}))

const eventInput = z.strictObject({ title: z.string(), startsAt: z.date(), capacity: z.int() })
const DAY_MS = 86_400_000

const actions = actionRegistry(fixtureActions, {
  empty,
  /** An event, with nothing else. */
  createAlone: action.input(eventInput).mutation(({ ctx, input }) => ctx.tools.create('events', input)),
  /** The same, with a job that waits for a day. */
  createWithJob: action.input(eventInput).mutation(async ({ ctx, input }) => {
    const created = await ctx.tools.create('events', input)
    if (!created.success) return created
    const queued = await ctx.tools.later(empty, {}, { delayMs: DAY_MS })
    return queued.success ? created : queued
  }),
  /** Touches nothing. */
  echo: action.input(message).mutation(async ({ input }) => ok({ message: input.message })),
  /** The same, counted as by the default limit of a user, but never refused. */
  echoGenerous: action
    .input(message)
    .meta({ limit: { rate: 1_000_000, per: 'second', burst: 1_200 } })
    .mutation(async ({ input }) => ok({ message: input.message })),
  /** The same, counted by the database call by call. */
  echoExact: action
    .input(message)
    .meta({ limit: { rate: 1_000_000, per: 'second', burst: 19 } })
    .mutation(async ({ input }) => ok({ message: input.message })),
  /** A paid call and nothing else. */
  askProvider: action
    .input(message)
    .mutation(({ ctx, input }) => ctx.tools.integration('provider/quick', input)),
  /** A paid call between a read and a write. */
  askSlowProvider: action
    .input(z.strictObject({ eventId: z.string() }))
    .mutation(async ({ ctx, input: { eventId } }) => {
      const event = await ctx.tools.get('events', eventId)
      if (!event.success) return event
      const asked = await ctx.tools.integration('provider/slow', { message: event.data.record.data.title })
      if (!asked.success) return asked
      return ctx.tools.update('events', eventId, { summary: 'asked' })
    }),
})

export const benchApp = defineApp({
  ...fixture,
  collections: { ...fixture.collections, notes },
  actions,
  integrations,
})
