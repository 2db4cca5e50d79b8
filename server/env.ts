// The app's: what its actions find in `ctx.env`, read from the environment at start.
import { z } from 'zod'

export const env = z.object({
  /** Base of the platform that `syncProfile` asks, as the caller. */
  PLATFORM_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  /** Whom the mails of `remindAttendees` come from; an address of a domain that the mail provider knows as yours. */
  MAIL_FROM: z
    .string()
    .regex(/^[^@]+@[^@]+$/, 'must be an address such as Events <events@example.com>')
    .max(320)
    .default('Events <onboarding@resend.dev>'),
})
