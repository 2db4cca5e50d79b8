import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findUnacceptable } from '../../server/wire/plain-data.ts'
import { type Bench, dataOf, mint, openBench } from './workbench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

/** What `get` and `query` give back of a field that was inserted, merged in and patched. */
async function stored(field: string, value: unknown): Promise<unknown[]> {
  const [inserted, merged, patched] = [mint(), mint(), mint()]
  const outcome = await bench.loose(async (tools) => {
    const created = dataOf(await tools.create('samples', { label: inserted, [field]: value }))
    dataOf(await tools.create('samples', { label: merged, [field]: value }, merged))
    dataOf(await tools.create('samples', { label: patched }, patched))
    dataOf(await tools.update('samples', patched, { [field]: value }))
    const ids = [(created as { recordId: string }).recordId, merged, patched]
    const records: unknown[] = []
    for (const id of ids) records.push((dataOf(await tools.get('samples', id)) as { record: unknown }).record)
    const page = dataOf(await tools.query('samples', { where: { recordId: { in: ids } } })) as {
      records: unknown[]
    }
    dataOf(await tools.deleteWhere('samples', { recordId: { in: ids } }))
    return { success: true, data: [...records, ...page.records] }
  })
  return (dataOf(outcome) as { data: Record<string, unknown> }[]).map(({ data }) => data[field])
}

const EXACT: readonly (readonly [string, unknown])[] = [
  ['big', 2n ** 53n + 1n],
  ['big', 2n ** 63n - 1n],
  ['big', -(2n ** 63n)],
  ['amount', '123456789012345678901234567890.0123456789'],
  ['amount', '-0.0000000001'],
  ['payload', '123'],
  ['payload', 'null'],
  ['payload', 'true'],
  ['payload', '"quoted"'],
  ['payload', ''],
  ['payload', 123],
  ['payload', 0.1],
  ['payload', true],
  ['payload', []],
  ['payload', { a: [1, '2', null, { 'b"\\': 'ü∑😀' }], constructor: 'own' }],
  ['payload', null],
  ['tags', ['a', '', 'NULL', 'b"c', '{d}', 'e,f', '\\', ' ']],
  ['tags', []],
  ['ratio', 0.1 + 0.2],
  ['ratio', 5e-324],
  ['ratio', 2 ** 47 - 1],
  ['score', -(2 ** 31)],
  ['at', new Date('2030-01-01T00:00:00.001Z')],
  ['at', new Date('0001-01-01T00:00:00.000Z')],
  ['at', new Date('0099-06-01T12:30:00.500Z')],
  ['at', new Date('9999-12-31T23:59:59.999Z')],
  ['flag', false],
  ['note', 'line\nfeed\ttab\u2028 \u202e ü 😀 \u0001'],
  ['note', ''],
  ['shortCode', null],
]

describe('a value comes back as it was given, however it was written', () => {
  it.each(
    EXACT.map(([field, value]) => {
      const shown = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
      return [field, shown, value] as const
    }),
  )('%s %s', async (field, _shown, value) => {
    expect(await stored(field, value)).toEqual(Array.from({ length: 6 }, () => value))
  })

  it('whatever JSON it is', async () => {
    // JSON has one zero only, and `__proto__` and integers that lose digits are refused on the way in.
    const json = fc
      .jsonValue({ maxDepth: 3 })
      .map((value): unknown => JSON.parse(JSON.stringify(value).replaceAll(/-0(?![.\d])/g, '0')))
      .filter((value) => findUnacceptable(value) === undefined)
    await fc.assert(
      fc.asyncProperty(json, async (given) => {
        expect(await stored('payload', given)).toEqual(Array.from({ length: 6 }, () => given))
      }),
      { numRuns: 25 },
    )
  })
})

it('an envelope has the system fields beside the data, and exactly the fields of the collection in it', async () => {
  const id = mint()
  dataOf(await bench.run((tools) => tools.create('samples', { label: 'a' }, id)))
  const { record } = dataOf(await bench.run((tools) => tools.get('samples', id)))
  expect(Object.keys(record).sort()).toEqual(
    ['createdAt', 'createdBy', 'data', 'recordId', 'updatedAt', 'version'].sort(),
  )
  const fields = 'amount at big flag label mail note payload ratio score shortCode slug tags'
  expect(Object.keys(record.data).sort().join(' ')).toBe(fields)
  expect(record.createdAt).toBeInstanceOf(Date)
})

it('createdAt is ctx.now, the same for every write of a call', async () => {
  const times = await bench.run(async (tools, ctx) => {
    const [first, second] = [mint(), mint()]
    dataOf(await tools.create('samples', { label: 'a' }, first))
    dataOf(await tools.create('samples', { label: 'b' }, second))
    const records = [dataOf(await tools.get('samples', first)), dataOf(await tools.get('samples', second))]
    return { success: true, data: [ctx.now, ...records.map(({ record }) => record.createdAt)] }
  })
  const [now, ...created] = dataOf(times)
  expect(created).toEqual([now, now])
})
