// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.

import { actionRegistry, ok } from 'deputyjs'
import { z } from 'zod'
import type { createAppRouter } from '../../server/routers/app-router.ts'
import { action } from '../fixture/deputy.ts'

const input = z.strictObject({ id: z.string() })

export const actions = actionRegistry({
  queues: action.input(input).mutation(async ({ ctx, input }) => {
    const queued = await ctx.tools.enqueue('unlisted/thing', { id: input.id })
    if (!queued.success) return queued
    const id: string = queued.data.messageId
    // @ts-expect-error: an endpoint is named by text.
    await ctx.tools.enqueue(5)
    return ok({ id })
  }),
  // What only reads leaves nothing behind.
  reads: action.input(input).query(async ({ ctx }) => {
    // @ts-expect-error: a reading action queues nothing.
    await ctx.tools.enqueue('unlisted/thing', {})
    return ok(1)
  }),
})

type Caller = ReturnType<ReturnType<typeof createAppRouter>['createCaller']>

export async function ownerSide(caller: Caller) {
  const page = await caller.outbox.list({ state: 'dead', limit: 10 })
  if (page.success) {
    const [first] = page.data.messages
    const dueAt: Date | undefined = first?.dueAt
    await caller.outbox.retry({ id: first?.id ?? String(dueAt) })
  }
  // @ts-expect-error: a message that was sent is gone.
  await caller.outbox.list({ state: 'sent' })
  // @ts-expect-error: which one must be said.
  await caller.outbox.drop({})
}
