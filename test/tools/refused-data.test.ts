import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bench, dataOf, type LooseTools, mint, openBench } from './workbench.ts'

let bench: Bench
const known = 'known-sample'
beforeAll(async () => {
  bench = await openBench()
  await bench.run((tools) => tools.create('samples', { label: 'before', score: 1 }, known))
})
afterAll(() => bench[Symbol.asyncDispose]())

/** Every verb that writes data, with the same fields. */
const WRITES: Record<string, (tools: LooseTools, collection: string, data: unknown) => Promise<unknown>> = {
  create: (tools, collection, data) => tools.create(collection, data),
  upsert: (tools, collection, data) => tools.create(collection, data, known),
  update: (tools, collection, data) => tools.update(collection, known, data),
  updateWhere: (tools, collection, data) => tools.updateWhere(collection, { recordId: known }, data),
  increment: (tools, collection, data) => tools.increment(collection, known, data),
}

/** What each verb makes of the same data, all in one attempt that goes on and commits. */
async function attempts(collection: string, data: unknown) {
  const outcome = await bench.loose(async (tools) => {
    const results: Record<string, unknown> = {}
    for (const [verb, write] of Object.entries(WRITES)) results[verb] = await write(tools, collection, data)
    return { success: true, data: results }
  })
  return Object.entries(dataOf(outcome) as Record<string, unknown>)
}

const withProto = JSON.parse('{ "label": "x", "__proto__": { "role": "admin" } }')

describe('fields that data may not hold', () => {
  it.each([
    ['a system field', 'recordId', 'x'],
    ['a system field', 'createdBy', 'eve'],
    ['a system field', 'createdAt', new Date(0)],
    ['a system field', 'updatedAt', new Date(0)],
    ['a system field', 'version', 1],
    ['a system column', 'record_id', 'x'],
    ['a system column', 'created_by', 'eve'],
    ['a system column', 'created_at', new Date(0)],
    ['an unknown field', 'titel', 'x'],
    ['a renamed column', 'e_mail', 'x@example.com'],
    ['a column in snake case', 'short_code', 'x'],
    ['a name every object has', 'constructor', 'x'],
    ['a name every object has', 'toString', 'x'],
    ['a method of the table', 'getSQL', 'x'],
    ['a method of the table', 'enableRLS', 'x'],
    ['SQL', 'label" = null --', 'x'],
  ])('%s (%s) is BAD_REQUEST that names it, for every verb', async (_what, field, value) => {
    for (const [verb, result] of await attempts('samples', { [field]: value })) {
      expect(result, verb).toMatchObject({ success: false, code: 'BAD_REQUEST' })
      expect(JSON.stringify(result), verb).toContain(JSON.stringify(JSON.stringify(field)).slice(3, -3))
    }
  })

  it('system fields nested in an own field are refused as a value of the wrong type', async () => {
    for (const [verb, result] of await attempts('samples', { label: { createdBy: 'eve' } }))
      expect(result, verb).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  })

  it('an own key __proto__ is refused and pollutes nothing', async () => {
    for (const [verb, result] of await attempts('samples', withProto))
      expect(result, verb).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect(
      await bench.loose((tools) => tools.create('samples', { label: 'x', payload: withProto })),
    ).toMatchObject({
      code: 'BAD_REQUEST',
    })
    expect(Reflect.get({}, 'role')).toBeUndefined()
  })

  it.each(['name', 'email', 'imageUrl', 'role'])('%s of users is left to registerUser', async (field) => {
    for (const [verb, result] of await attempts('users', { [field]: 'x' })) {
      expect(result, verb).toMatchObject({ success: false, code: 'BAD_REQUEST' })
      expect(JSON.stringify(result), verb).toContain('managed by the system')
    }
    expect(dataOf(await bench.run((tools) => tools.count('users'))).count).toBe(0)
  })
})

describe('values that could not be stored as they are', () => {
  it.each([
    ['NUL', { label: 'a\0b' }, ['data', 'label']],
    ['a lone surrogate', { label: 'a\ud83d' }, ['data', 'label']],
    ['NUL inside JSON', { label: 'x', payload: { deep: ['a\0b'] } }, ['data', 'payload', 'deep', 0]],
    ['a lone surrogate inside JSON', { label: 'x', payload: ['\udc00'] }, ['data', 'payload', 0]],
    ['a Date inside JSON', { label: 'x', payload: { at: new Date(0) } }, ['data', 'payload']],
    ['a bigint inside JSON', { label: 'x', payload: [1n] }, ['data', 'payload']],
    ['undefined inside JSON', { label: 'x', payload: [undefined] }, ['data', 'payload']],
    ['undefined for a required field', { label: undefined }, ['data', 'label']],
    ['null for a required field', { label: null }, ['data', 'label']],
    ['a number for text', { label: 5 }, ['data', 'label']],
    ['text for a number', { label: 'x', score: '5' }, ['data', 'score']],
    ['a fraction for an integer', { label: 'x', score: 1.5 }, ['data', 'score']],
    ['an integer out of range', { label: 'x', score: 2 ** 31 }, ['data', 'score']],
    ['an integer that loses digits', { label: 'x', payload: [2 ** 53 + 2] }, ['data', 'payload']],
    ['NaN', { label: 'x', ratio: Number.NaN }, ['data', 'ratio']],
    ['infinity', { label: 'x', ratio: Number.POSITIVE_INFINITY }, ['data', 'ratio']],
    ['a bigint out of range', { label: 'x', big: 2n ** 63n }, ['data', 'big']],
    ['a number for a bigint', { label: 'x', big: 5 }, ['data', 'big']],
    ['a decimal that would be rounded', { label: 'x', amount: '0.12345678901' }, ['data', 'amount']],
    ['a decimal with too many digits', { label: 'x', amount: '9'.repeat(31) }, ['data', 'amount']],
    ['text for a decimal', { label: 'x', amount: 'much' }, ['data', 'amount']],
    ['text that is too long', { label: 'x', shortCode: 'sixsix' }, ['data', 'shortCode']],
    ['a string for a date', { label: 'x', at: '2030-01-01T00:00:00Z' }, ['data', 'at']],
    ['an invalid date', { label: 'x', at: new Date('no') }, ['data', 'at']],
    ['a date beyond year 9999', { label: 'x', at: new Date('+010000-01-01T00:00:00Z') }, ['data', 'at']],
    ['a string for a boolean', { label: 'x', flag: 'true' }, ['data', 'flag']],
  ])('%s is BAD_REQUEST that names the place', async (_what, data, path) => {
    expect(await bench.loose((tools) => tools.create('samples', data))).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path }],
    })
  })

  it.each([
    ['null', null],
    ['a list', [{ label: 'x' }]],
    ['a string', 'label'],
    ['a Map', new Map([['label', 'x']])],
    ['undefined', undefined],
  ])('data that is %s is refused', async (_what, data) => {
    for (const [verb, result] of await attempts('samples', data))
      expect(result, verb).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  })

  it('every wrong field is named at once, and a message echoes no long value', async () => {
    const label = mint('x').repeat(5_000)
    const refused = await bench.loose((tools) =>
      tools.create('samples', { label, score: label, nothing: label, version: 2 }),
    )
    expect(refused).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    const issues = refused.success ? [] : (refused.issues ?? [])
    expect(issues.map(({ path }) => path[1]).sort()).toEqual(['label', 'nothing', 'score', 'version'])
    expect(JSON.stringify(refused).length).toBeLessThan(2_000)
  })
})

it('nothing of what was refused has changed the record', async () => {
  const { record } = dataOf(await bench.run((tools) => tools.get('samples', known)))
  expect(record).toMatchObject({ version: 1, createdBy: 'ada', data: { label: 'before', score: 1 } })
  expect(dataOf(await bench.run((tools) => tools.count('samples')))).toEqual({ count: 1 })
})
