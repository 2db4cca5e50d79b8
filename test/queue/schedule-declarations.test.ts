import { actionRegistry, defineSchedules, ok } from 'deputyjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { NamedActions } from '../../server/builders/named-actions.ts'
import { resolveSchedules } from '../../server/builders/schedules.ts'
import { readDefinition } from '../../server/queue/schedule.ts'
import { action, ownerAction } from '../fixture/deputy.ts'

const input = z.strictObject({ at: z.date(), count: z.number().int().optional() })
const actions = actionRegistry({
  note: action.input(input).mutation(async () => ok(1)),
  empty: ownerAction.input(z.strictObject({})).mutation(async () => ok(1)),
  read: action.input(z.strictObject({})).query(async () => ok(1)),
})
const stranger = action.input(z.strictObject({})).mutation(async () => ok(1))
const at = new Date('2026-01-01T00:00:00Z')
const resolve = (schedules: ReturnType<typeof defineSchedules>) =>
  resolveSchedules(schedules, new NamedActions(actions))
/** What the compiler would refuse. */
const untyped = (declarations: object) =>
  defineSchedules(declarations as Parameters<typeof defineSchedules>[0])

describe('a declaration', () => {
  it('is resolved to what ticks, with its defaults', async () => {
    const [resolved] = await resolve(
      defineSchedules({ nightly: { cron: '0 3 * * *', action: actions.note, input: { at } } }),
    )
    expect(resolved).toEqual({
      name: 'nightly',
      times: { cron: '0 3 * * *', timeZone: 'UTC' },
      action: 'note',
      input: '{"json":{"at":"2026-01-01T00:00:00.000Z"},"meta":{"values":{"at":["Date"]},"v":1}}',
      missed: 'once',
      overlap: 'skip',
      maxAttempts: 5,
      definition: expect.any(String),
    })
    expect(readDefinition(resolved?.definition ?? '')).toEqual({
      times: { cron: '0 3 * * *', timeZone: 'UTC' },
      action: 'note',
      missed: 'once',
      overlap: 'skip',
    })
  })

  it('has another definition as soon as anything of it is another, and the same in another order', async () => {
    const base = { every: { minutes: 5 }, action: actions.note, input: { at } } as const
    const definitions = async (...all: Parameters<typeof untyped>) =>
      (await resolve(untyped(...all))).map(({ definition }) => definition)
    const different = await definitions({
      a: base,
      b: { ...base, every: { minutes: 6 } },
      c: { ...base, every: { hours: 5 } },
      d: { ...base, input: { at, count: 1 } },
      e: { ...base, missed: 'skip' },
      f: { ...base, overlap: 'queue' },
      g: { ...base, attempts: 4 },
      h: { ...base, action: actions.empty, input: {} },
    })
    expect(new Set(different).size).toBe(8)
    const same = await definitions({
      a: { ...base, missed: 'once', overlap: 'skip', attempts: 5 },
      b: { input: { at }, action: actions.note, every: { minutes: 5 } },
    })
    expect(same).toEqual([different[0], different[0]])
  })

  it.each([
    ['Nightly', {}, 'The name of schedule "Nightly" must be letters and digits, with a small letter first'],
    ['a-b', {}, 'The name of schedule "a-b"'],
    ['a'.repeat(65), {}, 'at most 64'],
    ['nightly', { cron: '0 3 * *' }, 'Schedule "nightly" has the cron "0 3 * *"; it must have five fields'],
    ['nightly', { zone: 'UTC' }, 'has an unknown field "zone"; fields are cron, every, timeZone, action'],
    ['nightly', { missed: 'all' }, 'has missed "all"; it must be once or skip'],
    ['nightly', { overlap: true }, 'has overlap true; it must be skip or queue'],
    ['nightly', { attempts: 0 }, 'has attempts that must be a whole number from 1 to 100'],
  ])('named %s with %j is refused', (name, over, message) => {
    const declaration = { cron: '0 3 * * *', action: actions.empty, input: {}, ...over }
    expect(() => untyped({ [name]: declaration })).toThrow(
      expect.objectContaining({ name: 'DefinitionError', message: expect.stringContaining(message) }),
    )
  })

  it.each([
    [{ action: stranger, input: {} }, 'has an action that is none of this app: export it from the registry'],
    [{ action: undefined, input: {} }, 'has an action that is none of this app'],
    [{ action: actions.read, input: {} }, 'has the action "read", which only reads'],
    [{ action: actions.note, input: {} }, 'has an input that does not fit. The input of "note": at'],
    [{ action: actions.note, input: { at, count: 1.5 } }, 'The input of "note": count'],
    [{ action: actions.empty, input: { more: 1 } }, 'has an input that does not fit. The input of "empty"'],
    [{ action: actions.empty, input: undefined }, 'has an input that does not fit. The input of "empty"'],
    [{ action: actions.empty, input: { more: () => 1 } }, 'has an input that does not fit'],
  ])('that does not fit its action is refused at the start: %#', async (call, message) => {
    const declared = untyped({ nightly: { cron: '0 3 * * *', ...call } })
    await expect(resolve(declared)).rejects.toThrow(
      expect.objectContaining({
        name: 'DefinitionError',
        message: expect.stringContaining(`Schedule "nightly" ${message.startsWith('has') ? message : ''}`),
      }),
    )
    await expect(resolve(declared)).rejects.toThrow(message)
  })
})
