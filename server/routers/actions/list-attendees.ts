import { z } from 'zod'
import { action, ok } from '../../authoring.ts'

/** Lists who was invited to an event, a page at a time. */
export const listAttendees = action
  .input(
    z.strictObject({
      eventId: z.string().min(1).max(255),
      cursor: z.string().nullish(),
      limit: z.int().min(1).max(1_000).default(50),
    }),
  )
  .query(async ({ ctx, input }) => {
    const { eventId, cursor, limit } = input
    const [allowed, page] = await Promise.all([
      ctx.asCaller.may('update', 'events', eventId),
      ctx.tools.query('attendees', { where: { eventId }, cursor, limit }),
    ])
    if (!allowed.success) return allowed
    return page.success ? ok({ records: page.data.records, nextCursor: page.data.nextCursor }) : page
  })
