import { fail } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'

/** Invites somebody to an event: the attendee is created and the event's count raised, both or neither. */
export const inviteAttendee = action
  .input(z.strictObject({ eventId: z.string().min(1).max(255), attendeeId: z.string().min(1).max(255) }))
  .output(z.object({ recordId: z.string() }))
  .meta({
    summary: 'Invites somebody to an event',
    agent: { description: 'Invites somebody, by their user id, to an event of the user.' },
  })
  .mutation(async ({ ctx, input }) => {
    const event = await ctx.asCaller.get('events', input.eventId, { may: 'update' })
    if (!event.success) return event
    const { attendeeCount, capacity } = event.data.record.data
    if (attendeeCount >= capacity)
      return fail('CONFLICT', `The event is full: all ${capacity} places are taken.`)

    // What is asked for together travels together, and is done in this order. The event before the attendee:
    // writing the parent first keeps two calls from waiting for each other.
    const [counted, attendee] = await Promise.all([
      ctx.tools.increment('events', input.eventId, { attendeeCount: 1 }),
      ctx.tools.create('attendees', input),
    ])
    return counted.success ? attendee : counted
  })
