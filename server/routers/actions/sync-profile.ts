import { fail, type JsonValue, ok, record } from 'deputyjs'
import { z } from 'zod'
import { action } from '../../deputy.ts'

const profileSchema = z.object({
  name: z.string().min(1).max(200),
  email: z.email().optional(),
  imageUrl: z.url({ protocol: /^https?$/ }).optional(),
})

/** A user as they are shown their own row. */
const userSchema = record({
  name: z.string().nullable(),
  email: z.string().nullable(),
  imageUrl: z.string().nullable(),
  role: z.string(),
})

/** Refreshes the caller's row from the platform, which must see the user and so gets the caller's own token. */
export const syncProfile = action
  .input(z.strictObject({}))
  .output(z.object({ user: userSchema }))
  .meta({ summary: "Refreshes the caller's profile from the platform" })
  .mutation(async ({ ctx }) => {
    const { PLATFORM_URL: baseUrl } = ctx.env
    if (baseUrl === undefined)
      return fail('PRECONDITION_FAILED', 'Set PLATFORM_URL to the platform that knows the users.')

    // A bare request could be repeated when the action is run again; in `once` it is not.
    const asked = await ctx.tools.once('platform/me', async (): Promise<JsonValue> => {
      const answer = await ctx.getFromPlatform({ baseUrl, path: '/me' })
      return answer.success ? { profile: answer.data } : { error: answer.error }
    })
    if (!asked.success) return asked
    const answer = z
      .union([z.object({ profile: z.unknown() }), z.object({ error: z.string() })])
      .parse(asked.data)
    if ('error' in answer) return fail('BAD_GATEWAY', answer.error)

    const profile = profileSchema.safeParse(answer.profile)
    if (!profile.success)
      return fail('BAD_GATEWAY', 'The platform answered with something that is no profile.')
    const registered = await ctx.tools.registerUser(profile.data)
    return registered.success ? ok({ user: registered.data.user }) : registered
  })
