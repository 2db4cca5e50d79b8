import { initTRPC } from '@trpc/server'
import { actionRegistry, ok } from 'deputyjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { NO_STREAMS } from '../../server/live/live-hub.ts'
import { createAppRouter } from '../../server/routers/app-router.ts'
import { action, roleAction } from '../fixture/deputy.ts'

// What the compiler refuses is refused at start too: not everyone compiles.
const register = actionRegistry as unknown as (...groups: Record<string, unknown>[]) => unknown
const input = z.strictObject({})
const fine = action.input(input).mutation(async () => ok(1))
const withInput = (schema: z.ZodType) =>
  (action as unknown as { input: (schema: z.ZodType) => ReturnType<typeof action.input> })
    .input(schema)
    .mutation(async () => ok(1))

describe('the registry at start', () => {
  it.each(['a', 'createEvent', 'a1', 'A'.repeat(63).replace(/^/, 'a'), 'prototype', 'name'])(
    'takes the name %s',
    (name) => {
      expect(register({ [name]: fine })).toHaveProperty(name)
    },
  )

  it.each([
    '',
    'CreateEvent',
    '1st',
    '_private',
    'create-event',
    'create.event',
    'create event',
    'créer',
    'a/b',
    'a\n',
    'a'.repeat(65),
  ])('refuses the name %j, and says what a name is', (name) => {
    expect(() => register({ [name]: fine })).toThrow(`Action name "${name}" must match /^[a-z]`)
  })

  it.each([
    'constructor',
    'toString',
    'valueOf',
    'hasOwnProperty',
    'isPrototypeOf',
    'then',
    'call',
    'apply',
    'bind',
  ])('refuses the name %s, which means something already', (name) => {
    expect(() => register({ [name]: fine })).toThrow(`Action name "${name}"`)
  })

  it('refuses an own key __proto__', () => {
    const group = Object.defineProperty({}, '__proto__', { value: fine, enumerable: true })
    expect(() => register(group)).toThrow('Action name "__proto__"')
  })

  it('refuses a name that two groups have', () => {
    expect(() => register({ fine }, { fine })).toThrow('Two actions are named "fine"; names must be unique')
  })

  it.each<[string, unknown]>([
    ['a bare procedure', initTRPC.create().procedure.mutation(() => ok(1))],
    [
      'a bare procedure with an input',
      initTRPC
        .create()
        .procedure.input(input)
        .query(() => ok(1)),
    ],
    ['a function', async () => ok(1)],
    ['a builder that is not finished', action.input(input)],
    ['the builder itself', roleAction('admin')],
    ['undefined', undefined],
    ['null', null],
  ])('refuses %s, and says how an action is made', (_what, value) => {
    expect(() => register({ odd: value })).toThrow(
      '"odd" is no action; make it with action, ownerAction, roleAction or internalAction',
    )
  })

  it.each<[string, z.ZodType]>([
    ['drops unknown keys', z.object({ a: z.string() })],
    ['keeps unknown keys', z.looseObject({ a: z.string() })],
    ['is text', z.string()],
    ['is anything', z.any()],
    ['is a union', z.union([z.strictObject({}), z.strictObject({ a: z.string() })])],
    ['is a record', z.record(z.string(), z.string())],
  ])('refuses an input that %s', (_what, schema) => {
    expect(() => register({ odd: withInput(schema) })).toThrow(
      'The input of action "odd" must be a z.strictObject',
    )
  })

  it('keeps every action under its name for the router', () => {
    const router = createAppRouter(actionRegistry({ one: fine }, { two: fine }), new Map(), NO_STREAMS)
    const names = Object.keys(router._def.procedures).filter((name) => name.startsWith('actions.'))
    expect(names.sort()).toEqual(['actions.one', 'actions.two'])
  })
})
