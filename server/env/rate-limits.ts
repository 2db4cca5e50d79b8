import { z } from 'zod'
import { DEFAULT_RATE_LIMITS, type RateLimits } from '../limits/rate-limits.ts'

const MAX_CALLS = 1_000_000
const RULE = `must be a whole number of calls a minute from 1 to ${MAX_CALLS}, in digits alone, or none for no limit`
const { user, anonymous, failing, integrations } = DEFAULT_RATE_LIMITS

const calls = z
  .string()
  .regex(/^(?:none|[1-9]\d{0,6})$/, RULE)
  .transform((text) => (text === 'none' ? text : Number(text)))
  .refine((value) => value === 'none' || value <= MAX_CALLS, RULE)

/** What the server's environment says of how often clients may call. */
export const rateLimitsShape = {
  RATE_LIMIT_USER: calls.default(user),
  RATE_LIMIT_ANONYMOUS: calls.default(anonymous),
  RATE_LIMIT_FAILING: calls.default(failing),
  RATE_LIMIT_INTEGRATIONS: calls.default(integrations),
}

export function readRateLimits(env: z.output<z.ZodObject<typeof rateLimitsShape>>): RateLimits {
  return {
    user: env.RATE_LIMIT_USER,
    anonymous: env.RATE_LIMIT_ANONYMOUS,
    failing: env.RATE_LIMIT_FAILING,
    integrations: env.RATE_LIMIT_INTEGRATIONS,
  }
}
