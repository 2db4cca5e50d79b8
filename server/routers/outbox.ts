import { z } from 'zod'
import { dropMessage, retryMessage } from '../queue/change-message.ts'
import { listMessages, outboxListSchema } from '../queue/list.ts'
import { defineMutation, defineQuery } from '../trpc/callable.ts'
import { ownerOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { readDirectly, writeDirectly } from '../trpc/run-as-caller.ts'

const messageSchema = z.strictObject({ id: z.string('must be text').min(1, 'must not be empty') })

const forOwner = { callers: users, gate: ownerOnly, trail: 'always' } as const

/** The messages that have not arrived, for the owner alone. Every call leaves an audit row. */
export function createOutboxRouter() {
  return t.router({
    list: defineQuery({
      ...forOwner,
      schema: outboxListSchema.optional(),
      run: (call) =>
        readDirectly(call, 'outbox.list', (reads) =>
          listMessages(reads, call.engine.integrations, call.input ?? {}),
        ),
    }),
    /** Has a message sent now, in particular one that was given up. */
    retry: defineMutation({
      ...forOwner,
      schema: messageSchema,
      run: (call) => writeDirectly(call, 'outbox.retry', () => retryMessage(call.engine, call.input.id)),
    }),
    /** Gives a message up for good. */
    drop: defineMutation({
      ...forOwner,
      schema: messageSchema,
      run: (call) =>
        writeDirectly(call, 'outbox.drop', () => dropMessage(call.engine.database, call.input.id)),
    }),
  })
}
