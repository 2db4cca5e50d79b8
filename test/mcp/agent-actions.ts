import { z } from 'zod'
import { fail, ok } from '../../server/core/result.ts'
import { action, ownerAction, roleAction } from '../fixture/deputy.ts'

const STARTS_AT = new Date('2030-01-01T18:00:00.000Z')
const title = z.strictObject({ title: z.string().min(1).max(100) })

const event = (name: string) => ({
  title: name,
  startsAt: STARTS_AT,
  capacity: 10,
  visibility: 'public' as const,
})

/** What is offered to agents in these tests, and what is not. */
export const agentActions = {
  countEvents: action
    .input(z.strictObject({}))
    .meta({ agent: { description: 'Counts all events.' } })
    .query(({ ctx }) => ctx.tools.count('events')),

  addEvent: action
    .input(title)
    .meta({ agent: { description: 'Adds an event.', destructive: false } })
    .mutation(({ ctx, input }) => ctx.tools.create('events', event(input.title))),

  announceEvent: action
    .input(title)
    .meta({ dryRun: 'caller', agent: { description: 'Announces an event.', confirm: true } })
    .mutation(({ ctx, input }) => ctx.tools.create('events', event(input.title))),

  repeatEvent: action
    .input(title)
    .meta({ dryRun: 'caller', agent: { description: 'Repeats an event.', confirm: true } })
    .mutation(({ ctx, input }) => ctx.tools.create('events', event(input.title))),

  removeEvent: roleAction('admin')
    .input(z.strictObject({ eventId: z.string() }))
    .meta({ dryRun: 'caller', agent: { description: 'Removes an event.', destructive: true, confirm: true } })
    .mutation(({ ctx, input }) => ctx.tools.remove('events', input.eventId)),

  ownersCount: ownerAction
    .input(z.strictObject({}))
    .meta({ agent: { description: 'Counts for the owner.' } })
    .query(({ ctx }) => ctx.tools.count('events')),

  refuseEvent: action
    .input(z.strictObject({}))
    .meta({ agent: { description: 'Refuses.' } })
    .mutation(async () => fail('CONFLICT', 'Not now.', { details: { retryAfterSeconds: 7 } })),

  breakDown: action
    .input(z.strictObject({}))
    .meta({ agent: { description: 'Breaks.' } })
    .mutation(async (): Promise<ReturnType<typeof ok<null>>> => {
      throw new Error('secret of the handler')
    }),

  quoteText: action
    .input(z.strictObject({ at: z.date() }))
    .meta({ agent: { description: 'Gives a text back.' } })
    .query(async ({ input }) => ok(input.at.toISOString())),

  eventSize: action
    .input(z.strictObject({ eventId: z.string() }))
    .output(z.object({ size: z.int(), at: z.date(), tags: z.array(z.string()) }))
    .meta({ summary: 'Size of an event', agent: { description: 'Measures an event.' } })
    .query(async () => ok({ size: 5, at: STARTS_AT, tags: ['a'] })),

  eventNote: action
    .input(z.strictObject({ hasNote: z.boolean() }))
    .output(z.object({ note: z.string() }).nullable())
    .meta({ agent: { description: 'Gives the note of an event, if there is one.' } })
    .query(async ({ input }) => ok(input.hasNote ? { note: 'x' } : null)),

  moveEvents: action
    .input(z.strictObject({ days: z.int() }))
    .output(z.array(z.string()))
    .meta({ dryRun: 'caller', agent: { description: 'Moves events.', confirm: true } })
    .mutation(async () => ok(['moved'])),

  notForAgents: action.input(z.strictObject({})).query(async () => ok('private')),
}
