// The app's: what its actions find in `ctx.env`, read from the environment at start.
import { z } from 'zod'

/** As Standard Webhooks has it: 24 to 64 bytes. */
const WEBHOOK_SECRET = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/

export const env = z.object({
  /** Base of the platform that `syncProfile` asks, as the caller. */
  PLATFORM_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  /** Whom the mails of `remindAttendees` come from; an address of a domain that the mail provider knows as yours. */
  MAIL_FROM: z
    .string()
    .regex(/^[^@]+@[^@]+$/, 'must be an address such as Events <events@example.com>')
    .max(320)
    .default('Events <onboarding@resend.dev>'),
  /** What webhooks of payments are signed with, comma-separated: two while one takes the place of the other. */
  PAYMENTS_WEBHOOK_SECRETS: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((secret) => secret.trim() || []))
    .refine(
      (secrets) => secrets.every((secret) => WEBHOOK_SECRET.test(secret)),
      'must be whsec_ and 24 to 64 bytes as base64, comma-separated where there are two',
    ),
})
