import { type ActionResult, fail, ok } from 'deputyjs'
import { z } from 'zod'
import { type ActionContext, action } from '../../deputy.ts'

/** As many messages as one call may queue. */
const MAX_ATTENDEES = 1_000
const DAY_MS = 86_400_000

/** Queues a mail to everybody who is invited and has an address in their profile, on the app owner's account. */
export const remindAttendees = action
  .input(z.strictObject({ eventId: z.string().min(1).max(255) }))
  .output(z.object({ queued: z.int().min(0) }))
  .meta({ summary: 'Queues a mail to everybody who is invited' })
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

interface ReminderOptions {
  readonly eventId: string
  readonly startsAt: Date
  /** The job that reminds of it so far. */
  readonly waiting: string | null
}

/** Has the attendees of an event reminded a day before it begins: by a new job, or by the one that waits for it. */
export async function remindLater(
  { tools, now }: ActionContext,
  { eventId, startsAt, waiting }: ReminderOptions,
): Promise<ActionResult<{ readonly reminderId: string | null }>> {
  const at = new Date(startsAt.getTime() - DAY_MS)
  // Who is invited within a day of it needs no reminder.
  if (at <= now) return waiting === null ? ok({ reminderId: null }) : cancelReminder({ tools }, waiting)
  const job = await tools.later(remindAttendees, { eventId }, { at, key: eventId, onDuplicate: 'replace' })
  return job.success ? ok({ reminderId: job.data.jobId }) : job
}

/** Cancels a reminder that waits; one that was sent is done with. */
export async function cancelReminder(
  { tools }: Pick<ActionContext, 'tools'>,
  jobId: string,
): Promise<ActionResult<{ readonly reminderId: null }>> {
  const canceled = await tools.cancel(jobId)
  return canceled.success || canceled.code === 'NOT_FOUND' ? ok({ reminderId: null }) : canceled
}
