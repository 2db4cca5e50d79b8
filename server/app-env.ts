// The app's: what its actions find in `ctx.env`, read from the environment at start.
import { z } from 'zod'

export const appEnv = z.object({
  /** Base of the platform that `syncProfile` asks, as the caller. */
  PLATFORM_URL: z.url({ protocol: /^https?$/ }).optional(),
})
