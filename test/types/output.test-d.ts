// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import type { createTRPCClient } from '@trpc/client'
import { actionRegistry, defineApp, fail, ok, type RouterOf, record } from 'deputyjs'
import { z } from 'zod'
import { action, internalAction } from '../fixture/deputy.ts'

const input = z.strictObject({ id: z.string() })
const output = z.object({
  id: z.string(),
  tags: z.array(z.string()),
  at: z.date().transform((at) => at.getTime()),
  state: z.enum(['new', 'old']).default('new'),
})
const at = new Date(0)
const tags: readonly string[] = []

// The handler returns what the schema takes.
const shown = action
  .input(input)
  .output(output)
  .meta({ summary: 'Shows.', deprecated: true, tags: ['notes'] })
  .query(async ({ input }) => ok({ id: input.id, tags, at }))
action
  .input(input)
  .output(output)
  // @ts-expect-error: a field is missing.
  .mutation(async ({ input }) => ok({ id: input.id, tags }))
action
  .input(input)
  .output(output)
  // @ts-expect-error: a field has another type.
  .mutation(async ({ input }) => ok({ id: input.id, tags, at, state: 'odd' }))
// A failure is always one of the results.
action
  .input(input)
  .output(output)
  .mutation(async () => fail('CONFLICT', 'No.'))
// @ts-expect-error: an output is said once.
action.input(input).output(output).output(output)
// @ts-expect-error: an output is a schema.
action.input(input).output({ id: z.string() })
// @ts-expect-error: an output comes after the input.
action.output(output)
// @ts-expect-error: a summary is text.
action.input(input).meta({ summary: 5 })

const inside = internalAction
  .input(input)
  .output(record({ title: z.string() }))
  .mutation(async ({ ctx, input }) => {
    const event = await ctx.tools.get('events', input.id)
    return event.success ? ok(event.data.record) : event
  })

const app = defineApp({
  collections: {},
  actions: actionRegistry({ shown, inside }),
  migrations: new URL('file:///migrations'),
})

// The caller is given what the schema makes of it.
export async function call(client: ReturnType<typeof createTRPCClient<RouterOf<typeof app>>>) {
  const answer = await client.actions.shown.query({ id: 'x' })
  if (!answer.success) return
  answer.data.at satisfies number
  answer.data.state satisfies 'new' | 'old'
  // @ts-expect-error: it is a number by now.
  answer.data.at satisfies Date
  // @ts-expect-error: it has no such field.
  answer.data.secret
}
