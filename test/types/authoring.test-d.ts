// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import { initTRPC } from '@trpc/server'
import { actionRegistry, defineApp, fail, ok, type RouterOf } from 'deputyjs'
import { text } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import { defineIntegrations } from '../../server/integrations/declarations.ts'
import { action, ownerAction, roleAction } from '../fixture/deputy.ts'

const input = z.strictObject({ id: z.string() })

export const typedTools = action.input(input).mutation(async ({ ctx, input }) => {
  const { tools } = ctx
  const startsAt = new Date(0)

  // Collections and ids.
  await tools.get('events', input.id)
  // @ts-expect-error: there is no collection of this name.
  await tools.get('event', input.id)
  // @ts-expect-error: an id is text.
  await tools.get('events', 5)
  // @ts-expect-error: the input has no such field.
  await tools.get('events', input.eventId)

  // What is created.
  await tools.create('events', { title: 't', startsAt, capacity: 5 })
  await tools.create('events', { summary: null }, input.id)
  // @ts-expect-error: without an id the required fields must be given.
  await tools.create('events', { title: 't' })
  // @ts-expect-error: there is no field of this name.
  await tools.create('events', { title: 't', startsAt, capacity: 5, place: 'x' })
  // @ts-expect-error: a date is a Date.
  await tools.create('events', { title: 't', startsAt: '2030-01-01', capacity: 5 })
  // @ts-expect-error: an enum takes its own values only.
  await tools.create('events', { title: 't', startsAt, capacity: 5, visibility: 'secret' })
  // @ts-expect-error: system fields are never written through data.
  await tools.create('events', { title: 't', startsAt, capacity: 5, createdBy: 'eve' })
  // @ts-expect-error: a required field cannot be emptied.
  await tools.create('events', { title: null }, input.id)

  // What is patched.
  await tools.update('events', input.id, { title: 't' }, { ifVersion: 1 })
  // @ts-expect-error: the record's id is no field.
  await tools.update('events', input.id, { recordId: 'x' })
  // @ts-expect-error: the option is ifVersion.
  await tools.update('events', input.id, { title: 't' }, { ifversion: 1 })
  // @ts-expect-error: users' managed fields are written by registerUser.
  await tools.update('users', input.id, { role: 'admin' })
  // @ts-expect-error: users' managed fields are written by registerUser.
  await tools.create('users', { name: 'Ada' })
  await tools.registerUser({ name: 'Ada', isAdmin: true })
  // @ts-expect-error: a role is no argument of registerUser.
  await tools.registerUser({ role: 'admin' })
  await tools.increment('events', input.id, { attendeeCount: -1 })
  // @ts-expect-error: a text field cannot be counted up.
  await tools.increment('events', input.id, { title: 1 })

  // Conditions and order.
  await tools.query('events', { where: { title: { startsWith: 'a' }, OR: [{ capacity: { gt: 5 } }] } })
  // @ts-expect-error: there is no field of this name.
  await tools.query('events', { where: { titel: 'a' } })
  // @ts-expect-error: there is no operator of this name.
  await tools.query('events', { where: { title: { like: 'a' } } })
  // @ts-expect-error: a number is compared with numbers.
  await tools.query('events', { where: { capacity: 'many' } })
  // @ts-expect-error: a number has no beginning.
  await tools.query('events', { where: { capacity: { startsWith: '1' } } })
  // @ts-expect-error: a list holds values of the field.
  await tools.count('events', { capacity: { in: ['1'] } })
  // @ts-expect-error: members of OR are checked too.
  await tools.count('events', { OR: [{ titel: 'a' }] })
  // @ts-expect-error: version is no field to look for.
  await tools.count('events', { version: 1 })
  await tools.query('events', { orderBy: 'startsAt', orderDir: 'asc' })
  // @ts-expect-error: there is no field of this name to order by.
  await tools.query('events', { orderBy: 'starts' })
  // @ts-expect-error: updateWhere takes fields of its own collection.
  await tools.updateWhere('attendees', { eventId: 'x' }, { title: 't' })

  // Results.
  const event = await tools.get('events', input.id)
  // @ts-expect-error: a result is looked at before its data is used.
  event.data.record
  if (!event.success) return event
  const { summary, startsAt: starts } = event.data.record.data
  starts.toISOString()
  // @ts-expect-error: a nullable field may be null.
  summary.length
  // @ts-expect-error: there is no field of this name.
  event.data.record.data.titel
  // @ts-expect-error: what once gives back must be JSON.
  await tools.once('key', () => new Date())
  await tools.once('key', () => ({ a: 1 }))
  // @ts-expect-error: NOT_THERE is no code.
  fail('NOT_THERE', 'x')
  return ok(starts)
})

export const reading = action.input(input).query(async ({ ctx }) => {
  // @ts-expect-error: a query only reads.
  await ctx.tools.create('events', { title: 't', startsAt: new Date(0), capacity: 5 })
  // @ts-expect-error: a query only reads.
  await ctx.tools.deleteWhere('events', { title: 't' })
  // @ts-expect-error: a query does not call out.
  await ctx.tools.integration('openai/chat-completion')
  return ctx.tools.count('events')
})

// An action without an input schema cannot be written.
// @ts-expect-error: its input comes first.
action.mutation
// @ts-expect-error: its input comes first.
ownerAction.query
// @ts-expect-error: its input comes first.
roleAction('editor').mutation
// @ts-expect-error: there is no second input.
action.input(input).input
// @ts-expect-error: a schema is required.
action.input()
// @ts-expect-error: an input is an object.
action.input(z.string())

// An output that is no ActionResult cannot be written.
// @ts-expect-error: a bare value is no result.
action.input(input).mutation(async () => 5)
// @ts-expect-error: a result says success.
action.input(input).mutation(async () => ({ data: 5 }))
// @ts-expect-error: nothing is no result.
action.input(input).mutation(async () => {})
// @ts-expect-error: a failure has a code.
action.input(input).mutation(async () => ({ success: false as const, error: 'x' }))
// @ts-expect-error: nor can a query.
action.input(input).query(async () => [1])

// Names are unique.
const one = action.input(input).mutation(async () => ok(1))
actionRegistry({ one }, { two: one })
// @ts-expect-error: both groups have an action of this name.
actionRegistry({ one }, { one })

// An app's actions are actions.
const bare = initTRPC.create().procedure
const parts = { collections: {}, migrations: new URL('file:///migrations') }
const proper = defineApp({ ...parts, actions: actionRegistry({ one }, { two: one }) })
export type Proper = RouterOf<typeof proper>
const ungated = defineApp({ ...parts, actions: { one, bare: bare.mutation(() => ok(1)) } })
// @ts-expect-error: a procedure that no builder made has no gate.
export type Ungated = RouterOf<typeof ungated>
const alsoUngated = defineApp({ ...parts, actions: { bare: bare.input(input).query(() => ok(1)) } })
// @ts-expect-error: a procedure that no builder made has no gate, with an input neither.
export type AlsoUngated = RouterOf<typeof alsoUngated>
const functions = defineApp({ ...parts, actions: { one: async () => ok(1) } })
// @ts-expect-error: a function is no action.
export type Functions = RouterOf<typeof functions>

// Who pays must exist.
defineIntegrations({
  a: { billing: 'developer', clients: 'anyone' },
  b: { billing: 'user', clients: 'users' },
})
// @ts-expect-error: an anonymous caller cannot pay.
defineIntegrations({ a: { billing: 'user', clients: 'anyone' } })
// @ts-expect-error: who may call is said on purpose.
defineIntegrations({ a: { billing: 'developer' } })
// @ts-expect-error: somebody pays.
defineIntegrations({ a: { clients: 'none' } })

// What an action says of itself to agents.
const done = async () => ok({})
export const offered = action
  .input(input)
  .meta({ dryRun: 'caller', agent: { description: 'Does it.', destructive: true, confirm: true } })
  .mutation(done)
const builder = action.input(input)
// @ts-expect-error: a model chooses by the description.
builder.meta({ agent: {} })
// @ts-expect-error: a description is text.
builder.meta({ agent: { description: 5 } })
// @ts-expect-error: it is called destructive.
builder.meta({ agent: { description: 'x', destroys: true } })
// @ts-expect-error: it is offered or it is not.
builder.meta({ agent: true })

export const read = collection('read_by_agents', { name: text() }, { agent: true })
// @ts-expect-error: it is read by agents or it is not.
export const unread = collection('not_read', { name: text() }, { agent: 'yes' })
