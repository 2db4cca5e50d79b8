// Read by the compiler alone: what a line marked as an error lets pass fails `npm run check`.
import { boolean, integer, text } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { createClient, unwrap } from '../../client/core/index.ts'
import { collection } from '../../drizzle/engine/collection.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { action } from '../fixture/deputy.ts'

const client = createClient<FixtureRouter>({ url: 'http://127.0.0.1' })

export async function typedClients() {
  const page = unwrap(
    await client.records.events.list.query({
      where: { title: { startsWith: 'L' }, startsAt: { gte: new Date() } },
      orderBy: 'startsAt',
      limit: 10,
    }),
  )
  const [event] = page.records
  const title: string | undefined = event?.data.title
  const startsAt: Date | undefined = event?.data.startsAt
  // Members read a part of users, so a field may be absent.
  const people = unwrap(await client.users.list.query())
  const [person] = people.records
  const name: string | null | undefined = person?.data.name
  // @ts-expect-error the name may be absent
  const surely: string | null = person ? person.data.name : null
  // @ts-expect-error there is no such collection
  client.records.nothing.list.query()
  // @ts-expect-error there is no such field
  client.records.events.list.query({ where: { titel: 'x' } })
  // @ts-expect-error capacity is a number
  client.records.events.list.query({ where: { capacity: { gt: 'x' } } })
  // @ts-expect-error a number does not start with anything
  client.records.events.list.query({ where: { capacity: { startsWith: '1' } } })
  // @ts-expect-error no order by a field that there is not
  client.records.events.list.query({ orderBy: 'titel' })
  // @ts-expect-error a new event needs more
  client.records.events.create.mutate({ data: { title: 'x' } })
  client.records.events.create.mutate({ data: { title: 'x' }, recordId: 'known' })
  // @ts-expect-error a system field is never written
  client.records.events.update.mutate({ recordId: 'x', patch: { createdBy: 'eve' } })
  // @ts-expect-error a role is not written through records
  client.records.users.update.mutate({ recordId: 'x', patch: { role: 'admin' } })
  const me = unwrap(await client.users.me.query())
  const role: string = me.role
  const email: string | null | undefined = me.user?.data.email
  return { title, startsAt, name, surely, role, email }
}

export const asCaller = action.input(z.strictObject({ id: z.string() })).mutation(async ({ ctx, input }) => {
  const allowed = await ctx.asCaller.may('update', 'events', input.id)
  if (!allowed.success) return allowed
  // @ts-expect-error a creation is asked for by creating
  await ctx.asCaller.may('create', 'events', input.id)
  // @ts-expect-error there is no such collection
  await ctx.asCaller.get('nothing', input.id)
  // @ts-expect-error capacity is a number
  await ctx.asCaller.update('events', input.id, { capacity: 'x' })
  // @ts-expect-error a creation is asked for by creating
  await ctx.asCaller.get('events', input.id, { may: 'create' })
  const event = await ctx.asCaller.get('events', input.id, { may: 'update' })
  if (event.success) event.data.record.data.capacity satisfies number
  return ctx.asCaller.get('events', input.id)
})

export const reading = action.input(z.strictObject({ id: z.string() })).query(async ({ ctx, input }) => {
  // @ts-expect-error an action that reads has nothing to write with
  await ctx.asCaller.update('events', input.id, { title: 'x' })
  return ctx.asCaller.get('events', input.id)
})

const fields = () => ({
  owner: text(),
  size: integer().notNull(),
  open: boolean(),
  people: text().array(),
  kind: text({ enum: ['a', 'b'] }),
})

collection('fine', fields(), {
  ownerField: 'owner',
  collaboratorsField: 'people',
  visibilityField: { field: 'kind', value: 'a' },
  access: {
    member: {
      read: ({ userId }, record) => userId !== null && record.size !== undefined,
      writableFields: ['size'],
    },
    '*': { read: 'shared', readableFields: ['size'] },
  },
})
// @ts-expect-error a number is no owner
collection('wrong', fields(), { ownerField: 'size' })
// @ts-expect-error a text is no list of people
collection('wrong', fields(), { collaboratorsField: 'owner' })
// @ts-expect-error a number is no flag
collection('wrong', fields(), { visibilityField: 'size' })
// @ts-expect-error kind is never c
collection('wrong', fields(), { visibilityField: { field: 'kind', value: 'c' } })
// @ts-expect-error there is no such rule
collection('wrong', fields(), { access: { member: { read: 'mine' } } })
// @ts-expect-error there is no such field
collection('wrong', fields(), { access: { member: { readableFields: ['colour'] } } })
// @ts-expect-error callers do not write what the system manages
collection('wrong', fields(), { systemManaged: ['size'], access: { member: { writableFields: ['size'] } } })
