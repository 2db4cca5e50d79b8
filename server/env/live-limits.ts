import { z } from 'zod'
import { DEFAULT_LIVE_LIMITS, type LiveLimits } from '../live/seats.ts'

const MAX_STREAMS = 100_000
const RULE = `must be a whole number of streams from 0 to ${MAX_STREAMS}, in digits alone`
const { perUser, perAddress, perServer } = DEFAULT_LIVE_LIMITS

const streams = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,5})$/, RULE)
  .transform(Number)
  .refine((count) => count <= MAX_STREAMS, RULE)

/** What the server's environment says of how many streams clients may have open. */
export const liveLimitsShape = {
  LIVE_STREAMS: streams.default(perServer),
  LIVE_STREAMS_PER_USER: streams.default(perUser),
  LIVE_STREAMS_PER_ADDRESS: streams.default(perAddress),
}

export function readLiveLimits(env: z.output<z.ZodObject<typeof liveLimitsShape>>): LiveLimits {
  return {
    perServer: env.LIVE_STREAMS,
    perUser: env.LIVE_STREAMS_PER_USER,
    perAddress: env.LIVE_STREAMS_PER_ADDRESS,
  }
}
