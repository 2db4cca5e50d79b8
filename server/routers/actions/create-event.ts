import { z } from 'zod'
import { action } from '../../deputy.ts'
import { remindLater } from './remind-attendees.ts'

/** Creates an event that belongs to the caller, and has its attendees reminded the day before. */
export const createEvent = action
  .input(
    z.strictObject({
      title: z.string().min(1).max(200),
      startsAt: z.date(),
      capacity: z.int().min(1).max(100_000),
    }),
  )
  .output(z.object({ recordId: z.string() }))
  .meta({ summary: 'Creates an event that belongs to the caller' })
  .mutation(async ({ ctx, input }) => {
    const created = await ctx.tools.create('events', input)
    if (!created.success) return created
    const { recordId } = created.data
    const reminder = await remindLater(ctx, { eventId: recordId, startsAt: input.startsAt, waiting: null })
    if (!reminder.success) return reminder
    const noted = await ctx.tools.update('events', recordId, reminder.data)
    return noted.success ? created : noted
  })
