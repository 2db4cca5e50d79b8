import { z } from 'zod'
import { action, fail } from '../../authoring.ts'

/** Invites somebody to an event: the attendee is created and the event's count raised, both or neither. */
export const inviteAttendee = action
  .input(z.strictObject({ eventId: z.string().min(1).max(255), attendeeId: z.string().min(1).max(255) }))
  .mutation(async ({ ctx, input }) => {
    // What is asked for together travels together, and is done in this order.
    const [allowed, event] = await Promise.all([
      ctx.asCaller.may('update', 'events', input.eventId),
      ctx.tools.get('events', input.eventId),
    ])
    if (!allowed.success) return allowed
    if (!event.success) return event
    const { attendeeCount, capacity } = event.data.record.data
    if (attendeeCount >= capacity)
      return fail('CONFLICT', `The event is full: all ${capacity} places are taken.`)

    // The event before the attendee: writing the parent first keeps two calls from waiting for each other.
    const [counted, attendee] = await Promise.all([
      ctx.tools.increment('events', input.eventId, { attendeeCount: 1 }),
      ctx.tools.create('attendees', input),
    ])
    return counted.success ? attendee : counted
  })
