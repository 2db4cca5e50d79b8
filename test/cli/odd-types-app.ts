// An app whose types are hard to write for clients.
import { defineApp, type JsonValue, ok, type Success } from 'deputyjs'
import { z } from 'zod'
import * as collections from '../fixture/collections.ts'
import { action } from '../fixture/deputy.ts'

/** A name that clients do not have. */
interface Told {
  readonly at: Date
  readonly note?: string
  readonly exact?: string | undefined
}
type Many = 'a' | 'b' | null

const id = z.string().brand<'Id'>()

export const app = defineApp({
  migrations: new URL('../fixture/migrations', import.meta.url),
  collections,
  actions: {
    takesAll: action
      .input(
        z.strictObject({
          id,
          big: z.bigint(),
          when: z.date().optional(),
          list: z.array(z.union([z.string(), z.number()])).default([]),
          pair: z.tuple([z.literal(1), z.string().optional()]),
          kind: z.enum(['x', 'y']),
          free: z.json(),
          table: z.record(z.string(), z.boolean()),
          text: z.templateLiteral(['n-', z.number()]),
          unsure: z.unknown(),
          anything: z.any(),
        }),
      )
      .mutation(async ({ input }) => ok(input)),
    tells: action.input(z.strictObject({})).query(async () => ok<Told>({ at: new Date(0) })),
    tellsOneOfTwo: action
      .input(z.strictObject({ one: z.boolean() }))
      .query(
        async ({ input }): Promise<Success<{ one: Many }> | Success<{ two: JsonValue | undefined }>> =>
          input.one ? ok({ one: null }) : ok({ two: undefined }),
      ),
  },
})
