import { z } from 'zod'
import { action } from '../../deputy.ts'

export const writeNote = action
  .input(z.strictObject({ text: z.string().min(1).max(1_000) }))
  .mutation(({ ctx, input }) => ctx.tools.create('notes', input))
