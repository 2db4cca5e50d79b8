import { ok } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'

const BATCH = 1_000

/** Removes an event and everybody invited to it. */
export const cancelEvent = action
  .input(z.strictObject({ eventId: z.string().min(1).max(255) }))
  .mutation(async ({ ctx, input }) => {
    const allowed = await ctx.asCaller.may('remove', 'events', input.eventId)
    if (!allowed.success) return allowed
    let attendees = 0
    for (let batch = BATCH; batch === BATCH; ) {
      const removed = await ctx.tools.deleteWhere('attendees', { eventId: input.eventId }, BATCH)
      if (!removed.success) return removed
      batch = removed.data.deleted
      attendees += batch
    }
    const event = await ctx.tools.remove('events', input.eventId)
    return event.success ? ok({ attendees }) : event
  })
