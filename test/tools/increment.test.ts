import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, dataOf, mint, openBench } from './workbench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

async function newSample(data: { score?: number; ratio?: number; big?: bigint } = {}): Promise<string> {
  const id = mint()
  dataOf(await bench.run((tools) => tools.create('samples', { label: 'a', ...data }, id)))
  return id
}
const record = async (id: string) => dataOf(await bench.run((tools) => tools.get('samples', id))).record

it('adds to several fields at once; an empty one counts as 0', async () => {
  const id = await newSample({ score: 5, ratio: 0.25 })
  const amounts = { score: -7, ratio: 0.5, big: 2n ** 53n + 1n }
  expect(dataOf(await bench.run((tools) => tools.increment('samples', id, amounts)))).toEqual({
    recordId: id,
  })
  expect(await record(id)).toMatchObject({
    version: 2,
    data: { score: -2, ratio: 0.75, big: 2n ** 53n + 1n },
  })
})

it('of a missing record is NOT_FOUND and creates nothing', async () => {
  const id = mint()
  expect(await bench.run((tools) => tools.increment('samples', id, { score: 1 }))).toMatchObject({
    success: false,
    code: 'NOT_FOUND',
  })
  expect(dataOf(await bench.run((tools) => tools.count('samples', { recordId: id })))).toEqual({ count: 0 })
})

it('leaves out an amount that is undefined', async () => {
  const id = await newSample({ score: 5 })
  dataOf(await bench.run((tools) => tools.increment('samples', id, { score: undefined, big: 1n })))
  expect(await record(id)).toMatchObject({ data: { score: 5, big: 1n } })
})

it.each([
  ['no field', {}, 'amounts'],
  ['null', null, 'amounts'],
  ['a text field', { label: 1 }, 'label'],
  ['a decimal finer than its field', { amount: '0.00000000001' }, 'amount'],
  ['a date', { at: 1 }, 'at'],
  ['JSON', { payload: 1 }, 'payload'],
  ['a system field', { version: 1 }, 'version'],
  ['an unknown field', { scores: 1 }, 'scores'],
  ['what every object has', { constructor: 1 }, 'constructor'],
  ['a fraction for an integer', { score: 0.5 }, 'score'],
  ['NaN', { score: Number.NaN }, 'score'],
  ['infinity', { ratio: Number.POSITIVE_INFINITY }, 'ratio'],
  ['a number that has lost digits', { big: 2 ** 53 }, 'big'],
  ['a string', { score: '1' }, 'score'],
  ['null for an amount', { score: null }, 'score'],
  ['nothing but undefined', { score: undefined }, 'amounts'],
  ['an object for an amount', { score: { add: 1 } }, 'score'],
])('%s is BAD_REQUEST that names it, and the attempt stays usable', async (_what, amounts, named) => {
  const id = await newSample({ score: 1 })
  const outcome = await bench.loose(async (tools) => {
    const refused = await tools.increment('samples', id, amounts)
    dataOf(await tools.increment('samples', id, { score: 1 }))
    return { success: true, data: refused }
  })
  expect(dataOf(outcome)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  expect((dataOf(outcome) as { error: string }).error).toContain(named)
  expect(await record(id)).toMatchObject({ version: 2, data: { score: 2 } })
})

it.each([
  ['an integer', { score: 2 ** 31 - 1 }, { score: 1 }],
  ['an integer, by a bigint', { score: 1 }, { score: 10n ** 30n }],
  ['an integer, below', { score: -(2 ** 31) }, { score: -1 }],
  ['a bigint', { big: 2n ** 63n - 1n }, { big: 1 }],
])('an overflow of %s is BAD_REQUEST and changes nothing', async (_what, before, amounts) => {
  const id = await newSample(before)
  expect(await bench.run((tools) => tools.increment('samples', id, amounts))).toMatchObject({
    success: false,
    code: 'BAD_REQUEST',
    error: 'A value is out of the range of its field.',
  })
  expect(await record(id)).toMatchObject({ version: 1, data: before })
})

it('past the rule of a field is BAD_REQUEST and changes nothing', async () => {
  const eventId = mint('event')
  const startsAt = new Date('2030-01-01T00:00:00Z')
  dataOf(await bench.run((tools) => tools.create('events', { title: 't', startsAt, capacity: 2 }, eventId)))
  const refused = await bench.run((tools) => tools.increment('events', eventId, { attendeeCount: 3 }))
  expect(refused).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  expect(refused.error).toContain('events_attendee_count_range')
})

it('by many callers at once loses none', async () => {
  const id = await newSample({ score: 0 })
  const calls = Array.from({ length: 30 }, (_, caller) =>
    bench.run((tools) => tools.increment('samples', id, { score: 1 }), `user-${caller}`),
  )
  for (const result of await Promise.all(calls)) expect(result).toMatchObject({ success: true })
  expect(await record(id)).toMatchObject({ version: 31, data: { score: 30 } })
})
