import { fail, ok } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'

/** Has a language model summarize an event, on the app owner's account, and keeps the summary. */
export const summarizeEvent = action
  .input(z.strictObject({ eventId: z.string().min(1).max(255) }))
  .output(z.object({ summary: z.string() }))
  .meta({ summary: 'Has a language model summarize an event', dryRun: 'caller' })
  .mutation(async ({ ctx, input }) => {
    const event = await ctx.asCaller.get('events', input.eventId, { may: 'update' })
    if (!event.success) return event
    const { title, startsAt, capacity, attendeeCount } = event.data.record.data

    // The action is run again after the call: what was read above is read anew, and the call is not repeated.
    const completion = await ctx.tools.integration('openai/chat-completion', {
      model: 'gpt-4o-mini',
      max_tokens: 120,
      messages: [
        { role: 'system', content: 'Summarize the event in one sentence.' },
        {
          role: 'user',
          content: `${title}, ${startsAt.toISOString()}, ${attendeeCount} of ${capacity} places taken`,
        },
      ],
    })
    if (!completion.success) return completion
    const summary = completion.data.choices[0]?.message.content
    if (!summary) return fail('BAD_GATEWAY', 'The language model answered with no text.')

    const saved = await ctx.tools.update('events', input.eventId, { summary })
    return saved.success ? ok({ summary }) : saved
  })
