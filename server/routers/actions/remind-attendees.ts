import { fail, ok } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'

/** As many messages as one call may queue. */
const MAX_ATTENDEES = 1_000

/** Queues a mail to everybody who is invited and has an address in their profile, on the app owner's account. */
export const remindAttendees = action
  .input(z.strictObject({ eventId: z.string().min(1).max(255) }))
  .mutation(async ({ ctx, input: { eventId } }) => {
    const event = await ctx.asCaller.get('events', eventId, { may: 'update' })
    if (!event.success) return event
    const attending = { eventId, status: { ne: 'declined' } } as const
    const attendees = await ctx.tools.query('attendees', { where: attending, limit: MAX_ATTENDEES })
    if (!attendees.success) return attendees
    if (attendees.data.nextCursor !== null)
      return fail('PRECONDITION_FAILED', `At most ${MAX_ATTENDEES} attendees can be reminded at once.`)
    const ids = attendees.data.records.map(({ data }) => data.attendeeId)
    const profiles = await ctx.tools.query('users', {
      where: { recordId: { in: ids } },
      limit: MAX_ATTENDEES,
    })
    if (!profiles.success) return profiles

    const { title, startsAt } = event.data.record.data
    let queued = 0
    for (const { data } of profiles.data.records) {
      if (data.email === null) continue
      // Sent after the commit, and only then: nobody is reminded by a call that failed.
      const message = await ctx.tools.enqueue('resend/email', {
        from: ctx.env.MAIL_FROM,
        to: data.email,
        subject: `Reminder: ${title.replace(/\s+/g, ' ')}`.slice(0, 200),
        text: `${title} begins on ${startsAt.toUTCString()}.`,
      })
      if (!message.success) return message
      queued += 1
    }
    return ok({ queued })
  })
