import { ok } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'

/** Translates the title of an event that the caller may read. The caller pays. */
export const translateTitle = action
  .input(
    z.strictObject({
      eventId: z.string().min(1).max(255),
      /** `de`, `pt-BR` */
      language: z.string().regex(/^[a-z]{2,3}(-[A-Za-z]{2,4})?$/, 'must be a language code such as en'),
    }),
  )
  .output(z.object({ title: z.string() }))
  .meta({ summary: 'Translates the title of an event, on the account of the caller', dryRun: 'caller' })
  .mutation(async ({ ctx, input: { eventId, language } }) => {
    const event = await ctx.asCaller.get('events', eventId)
    if (!event.success) return event
    const translated = await ctx.tools.integration('libretranslate/translate', {
      q: event.data.record.data.title,
      source: 'auto',
      target: language,
    })
    return translated.success ? ok({ title: translated.data.translatedText }) : translated
  })
