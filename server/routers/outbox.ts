import { z } from 'zod'
import type { UserActor } from '../auth/actor.ts'
import { ownerOnly } from '../builders/gate.ts'
import type { ActionResult } from '../core/result.ts'
import { runCall } from '../invocation/call.ts'
import { thrown } from '../invocation/thrown.ts'
import { dropMessage } from '../queue/drop.ts'
import { listMessages, type OutboxPage, outboxListSchema } from '../queue/list.ts'
import { retryMessage } from '../queue/retry.ts'
import { DirectReads } from '../trpc/direct-reads.ts'
import { t } from '../trpc/init.ts'
import { type InvokedContext, invoked, noteSent, withInput } from '../trpc/invoked.ts'
import { parserOf, userProcedure } from '../trpc/procedure.ts'
import type { CalledContext } from '../trpc/run-as-caller.ts'

const messageSchema = z.strictObject({ id: z.string('must be text').min(1, 'must not be empty') })

type OwnerContext = CalledContext<UserActor> & InvokedContext
type MessageResult = Promise<ActionResult<{ readonly id: string }>>

/** The messages that have not arrived, for the owner alone. Every call leaves an audit row. */
export function createOutboxRouter() {
  const owners = (readOnly: boolean) =>
    userProcedure.use(invoked({ readOnly, isAudited: true })).use(async ({ ctx, getRawInput, next }) => {
      const refusal = await ownerOnly(ctx, ctx.actor)
      if (refusal) throw thrown(refusal)
      noteSent(ctx.invocation, await getRawInput())
      return next()
    })
  return t.router({
    list: owners(true)
      .input(parserOf(outboxListSchema.optional()))
      .query(({ ctx, input = {} }): Promise<ActionResult<OutboxPage>> => {
        withInput(ctx.invocation, input)
        const reads = new DirectReads(ctx.engine, ctx.requestId)
        return reads.call('outbox.list', undefined, false, () =>
          listMessages(reads, ctx.engine.integrations, input),
        )
      }),
    /** Has a message sent now, in particular one that was given up. */
    retry: owners(false)
      .input(parserOf(messageSchema))
      .mutation(({ ctx, input }) =>
        change(ctx, input, 'outbox.retry', () => retryMessage(ctx.engine, input.id)),
      ),
    /** Gives a message up for good. */
    drop: owners(false)
      .input(parserOf(messageSchema))
      .mutation(({ ctx, input }) =>
        change(ctx, input, 'outbox.drop', () => dropMessage(ctx.engine.database, input.id)),
      ),
  })
}

/** By the runner that actions have, for the sake of keys; what is changed is no data of a transaction. */
function change(
  { invocation }: OwnerContext,
  input: z.output<typeof messageSchema>,
  name: string,
  run: () => MessageResult,
): MessageResult {
  return runCall(withInput(invocation, input), (attempt) => attempt.call(name, undefined, true, run))
}
