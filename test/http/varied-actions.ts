import { actionRegistry, fail, ok } from 'deputyjs'
import { z } from 'zod'
import { action, ownerAction } from '../fixture/deputy.ts'

const scalars = z.strictObject({
  at: z.date().optional(),
  amount: z.bigint().optional(),
  note: z.string().max(20).optional(),
  list: z.array(z.unknown()).optional(),
})

/** Actions that end in every way: with data, a failure, a throw, and what cannot be sent. */
export const variedActions = actionRegistry({
  echo: action.input(scalars).mutation(async ({ input }) => ok(input)),
  look: action.input(scalars).query(async ({ input }) => ok(input)),
  refuse: action
    .input(z.strictObject({}))
    .mutation(async () => fail('CONFLICT', 'Not now.', { details: { retryAfterSeconds: 7 } })),
  throws: action.input(z.strictObject({})).mutation(async () => {
    throw new Error('a secret')
  }),
  cannotBeSent: action.input(z.strictObject({})).mutation(async () => ok({ constructor: new Date(0) })),
  ownersOnly: ownerAction.input(z.strictObject({})).mutation(async () => ok('in')),
  checked: action
    .input(z.strictObject({ note: z.string().refine(async (note) => note !== 'bad', 'is bad') }))
    .mutation(async ({ input }) => ok(input)),
  broken: action
    .input(
      z.strictObject({
        note: z.string().refine(() => {
          throw new TypeError('a secret')
        }),
      }),
    )
    .mutation(async ({ input }) => ok(input)),
  write: action
    .input(z.strictObject({ title: z.string() }))
    .mutation(({ ctx, input }) =>
      ctx.tools.create('events', { ...input, startsAt: new Date(0), capacity: 1 }, 'the-one'),
    ),
})
