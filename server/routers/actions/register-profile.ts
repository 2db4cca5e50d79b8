import { ok } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'

/** Creates or refreshes the caller's own row in `users`. The email comes from the token, never from input. */
export const registerProfile = action
  .input(
    z.strictObject({
      name: z.string().min(1).max(200),
      imageUrl: z
        .url({ protocol: /^https?$/ })
        .max(2_000)
        .optional(),
    }),
  )
  .output(z.object({ recordId: z.string() }))
  .meta({ summary: "Creates or refreshes the caller's own profile" })
  .mutation(async ({ ctx, input }) => {
    const registered = await ctx.tools.registerUser({ ...input, email: ctx.verifiedEmail })
    return registered.success ? ok({ recordId: registered.data.user.recordId }) : registered
  })
