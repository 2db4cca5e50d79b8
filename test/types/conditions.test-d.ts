// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.

import { actionRegistry, fail, type IssueInfo, ok, page } from 'deputyjs'
import {
  bigint,
  boolean,
  doublePrecision,
  integer,
  jsonb,
  numeric,
  pgEnum,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { createClient, DeputyError, type Issue, type IssueCode, unwrap } from '../../client/core/index.ts'
import { collection } from '../../drizzle/engine/collection.ts'
import type { TypesOf } from '../../server/tools/collection-types.ts'
import type { QueryOptions, Where } from '../../server/tools/where-types.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { action } from '../fixture/deputy.ts'

const mood = pgEnum('mood', ['calm', 'wild'])
const things = collection('things', {
  title: text().notNull(),
  size: integer(),
  ratio: doublePrecision().notNull(),
  large: bigint({ mode: 'bigint' }),
  price: numeric({ precision: 12, scale: 2 }),
  weight: numeric({ precision: 12, scale: 2, mode: 'number' }),
  exact: numeric({ precision: 30, mode: 'bigint' }),
  isOpen: boolean(),
  at: timestamp({ withTimezone: true, precision: 3 }),
  body: jsonb(),
  tags: text().array(),
  sizes: integer().array().notNull(),
  flags: boolean().array(),
  days: timestamp({ withTimezone: true, precision: 3 }).array(),
  moods: mood().array(),
})
type Things = TypesOf<typeof things>
const where = (given: Where<Things['compared']>) => given
const amounts = (given: Things['amounts']) => given

// An element is of the array's own type.
where({ tags: { has: 'red' }, sizes: { has: 5 }, flags: { has: true }, days: { has: new Date(0) } })
where({ moods: { has: 'calm' }, NOT: { OR: [{ tags: { has: 'red' } }, { tags: null }] } })
where({ tags: { isNull: true } })
// @ts-expect-error: an element of a list of texts is text.
where({ tags: { has: 5 } })
// @ts-expect-error: a list is no element.
where({ tags: { has: ['red'] } })
// @ts-expect-error: nothing is no element.
where({ tags: { has: null } })
// @ts-expect-error: an enum has its own values only.
where({ moods: { has: 'angry' } })
// @ts-expect-error: a date is a Date.
where({ days: { has: '2030-01-01' } })
// @ts-expect-error: what is no list has no element.
where({ title: { has: 'red' } })
// @ts-expect-error: JSON has no elements that could be told.
where({ body: { has: 'red' } })
// @ts-expect-error: lists are not compared with each other.
where({ tags: { eq: ['red'] } })
// @ts-expect-error: lists are not ordered.
where({ sizes: { gt: 5 } })
// @ts-expect-error: a list is no text.
where({ tags: { contains: 'red' } })

// What is added is a number, or the text of a decimal that is kept as one.
amounts({ size: 1, ratio: 0.5, large: 1n, weight: 1.5, exact: 10n })
amounts({ price: '0.01' })
amounts({ price: 1 })
// @ts-expect-error: text is added to decimals alone.
amounts({ size: '1' })
// @ts-expect-error: text is added to decimals that are kept as text.
amounts({ weight: '0.01' })
// @ts-expect-error: a text is no number.
amounts({ title: 1 })
// @ts-expect-error: a flag is no number.
amounts({ isOpen: 1 })
// @ts-expect-error: a date is no number.
amounts({ at: 1 })
// @ts-expect-error: a list is no number.
amounts({ sizes: 1 })
// @ts-expect-error: the version is the system's.
amounts({ version: 1 })

// An issue that arrives has a code and params; one that is given need not.
export function translated({ code, params, path, message }: Issue) {
  code satisfies IssueCode
  // @ts-expect-error: there is no such code.
  if (code === 'too_long') return message
  // @ts-expect-error: a parameter may be missing, or be no number.
  params.maximum.toFixed()
  return code === 'too_big' ? [path, params.maximum] : message
}
export const issues = (error: unknown) =>
  error instanceof DeputyError ? error.issues.map(translated) : undefined
const given: IssueInfo = { path: ['a'], message: 'is wrong' }
fail('BAD_REQUEST', 'No.', { issues: [given, { ...given, code: 'too_big', params: { maximum: 3 } }] })
// @ts-expect-error: there is no such code.
fail('BAD_REQUEST', 'No.', { issues: [{ ...given, code: 'too_long' }] })
// @ts-expect-error: an issue says where it is.
fail('BAD_REQUEST', 'No.', { issues: [{ message: 'is wrong' }] })
// @ts-expect-error: an issue that is no `fail`’s has a code.
given satisfies Issue

// A page of an action's own.
const list = action
  .input(z.strictObject({ topic: z.string(), ...page({ limit: 10, maxLimit: 20 }) }))
  .query(async ({ ctx, input }) => {
    input.limit satisfies number
    input.cursor satisfies string | null | undefined
    // @ts-expect-error: the first page has no cursor.
    input.cursor satisfies string
    // @ts-expect-error: there is one direction.
    if (input.direction === 'backward') return ok({ records: [], nextCursor: null })
    const { topic, ...options } = input
    options satisfies QueryOptions<Things['compared']>
    return ctx.tools.query('events', { where: { title: topic }, ...options })
  })
// @ts-expect-error: the option is maxLimit.
page({ max: 20 })
export const paged = actionRegistry({ list })

export async function infinite() {
  const { actions, records, users } = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000' })
  // As tRPC's infinite queries send it.
  const sent = { cursor: null, direction: 'forward' } as const
  await actions.listAttendees.query({ eventId: 'x', ...sent })
  await users.list.query(sent)
  const { nextCursor } = unwrap(await records.events.list.query({ limit: 5, ...sent }))
  // @ts-expect-error: there is one direction.
  await records.events.list.query({ direction: 'backward' })
  // @ts-expect-error: a cursor is text.
  await records.events.list.query({ cursor: 5 })
  return nextCursor satisfies string | null
}
