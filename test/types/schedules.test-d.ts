// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import { actionRegistry, defineApp, defineSchedules, ok } from 'deputyjs'
import { z } from 'zod'
import * as collections from '../fixture/collections.ts'
import { action, internalAction, ownerAction } from '../fixture/deputy.ts'

const input = z.strictObject({ id: z.string(), count: z.coerce.number<number>().default(1) })

export const actions = actionRegistry({
  note: action.input(input).mutation(async () => ok(1)),
  sweep: ownerAction.input(z.strictObject({})).mutation(async () => ok(1)),
  record: internalAction.input(z.strictObject({ at: z.date() })).mutation(async () => ok(1)),
  read: action.input(z.strictObject({})).query(async () => ok(1)),
})

export const schedules = defineSchedules({
  nightly: { cron: '0 3 * * *', timeZone: 'Europe/Paris', action: actions.sweep, input: {}, missed: 'once' },
  note: { every: { minutes: 5 }, action: actions.note, input: { id: 'a' }, overlap: 'queue', attempts: 3 },
  record: { every: { days: 1 }, action: actions.record, input: { at: new Date(0) } },
})

export const app = defineApp({ collections, actions, schedules, migrations: new URL('file:///nowhere') })

defineSchedules({
  // @ts-expect-error: the input has no such field.
  a: { every: { minutes: 5 }, action: actions.note, input: { id: 'a', more: 1 } },
  // @ts-expect-error: the input lacks an id.
  b: { every: { minutes: 5 }, action: actions.note, input: {} },
  // @ts-expect-error: an id is text.
  c: { every: { minutes: 5 }, action: actions.note, input: { id: 5 } },
  // @ts-expect-error: what only reads has nothing to do on its own.
  d: { every: { minutes: 5 }, action: actions.read, input: {} },
  // @ts-expect-error: an action is given by reference.
  e: { every: { minutes: 5 }, action: 'note', input: { id: 'a' } },
  // @ts-expect-error: it must say when.
  f: { action: actions.sweep, input: {} },
  // @ts-expect-error: a unit of time.
  g: { every: { weeks: 1 }, action: actions.sweep, input: {} },
  // @ts-expect-error: there is no such choice.
  h: { every: { days: 1 }, action: actions.sweep, input: {}, missed: 'all' },
  // @ts-expect-error: a date is a Date.
  i: { every: { days: 1 }, action: actions.record, input: { at: '2026-01-01' } },
})
