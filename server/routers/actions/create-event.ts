import { z } from 'zod'
import { action } from '../../deputy.ts'

/** Creates an event that belongs to the caller. */
export const createEvent = action
  .input(
    z.strictObject({
      title: z.string().min(1).max(200),
      startsAt: z.date(),
      capacity: z.int().min(1).max(100_000),
    }),
  )
  .mutation(({ ctx, input }) => ctx.tools.create('events', input))
