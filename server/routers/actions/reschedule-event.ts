import { ok } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'
import { remindLater } from './remind-attendees.ts'

/** Moves an event, and its reminder with it. */
export const rescheduleEvent = action
  .input(z.strictObject({ eventId: z.string().min(1).max(255), startsAt: z.date() }))
  .output(z.object({ startsAt: z.date() }))
  .meta({ summary: 'Moves an event, and its reminder with it' })
  .mutation(async ({ ctx, input: { eventId, startsAt } }) => {
    const event = await ctx.asCaller.get('events', eventId, { may: 'update' })
    if (!event.success) return event
    const reminder = await remindLater(ctx, { eventId, startsAt, waiting: event.data.record.data.reminderId })
    if (!reminder.success) return reminder
    const moved = await ctx.tools.update('events', eventId, { startsAt, ...reminder.data })
    return moved.success ? ok({ startsAt }) : moved
  })
