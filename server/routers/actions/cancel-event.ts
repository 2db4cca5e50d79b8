import { ok } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'
import { cancelReminder } from './remind-attendees.ts'

const BATCH = 1_000

/** Removes an event, everybody invited to it, and its reminder. */
export const cancelEvent = action
  .input(z.strictObject({ eventId: z.string().min(1).max(255) }))
  .output(z.object({ attendees: z.int().min(0) }))
  .meta({
    summary: 'Removes an event and everybody invited to it',
    dryRun: 'caller',
    agent: {
      description: 'Cancels an event of the user for good, with everybody invited to it.',
      destructive: true,
      confirm: true,
    },
  })
  .mutation(async ({ ctx, input }) => {
    const found = await ctx.asCaller.get('events', input.eventId, { may: 'remove' })
    if (!found.success) return found
    const { reminderId } = found.data.record.data
    const canceled = reminderId === null ? ok(undefined) : await cancelReminder(ctx, reminderId)
    if (!canceled.success) return canceled
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
