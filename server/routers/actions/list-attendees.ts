import { ok, page, record } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'

const attendee = record({
  eventId: z.string(),
  attendeeId: z.string(),
  status: z.enum(['invited', 'accepted', 'declined']),
})

/** Lists who was invited to an event, a page at a time. */
export const listAttendees = action
  .input(z.strictObject({ eventId: z.string().min(1).max(255), ...page() }))
  .output(z.object({ records: z.array(attendee), nextCursor: z.string().nullable() }))
  .meta({ summary: 'Lists who was invited to an event, a page at a time' })
  .query(async ({ ctx, input }) => {
    const { eventId, cursor, limit } = input
    const [allowed, found] = await Promise.all([
      ctx.asCaller.may('update', 'events', eventId),
      ctx.tools.query('attendees', { where: { eventId }, cursor, limit }),
    ])
    if (!allowed.success) return allowed
    return found.success ? ok({ records: found.data.records, nextCursor: found.data.nextCursor }) : found
  })
