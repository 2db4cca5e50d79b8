import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { TypesOf } from '../../server/tools/collection-types.ts'
import type { QueryOptions } from '../../server/tools/where-types.ts'
import { type Bench, type BenchTools, dataOf, openBench, type samples } from './workbench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const rows = fc.array(
  fc.record({
    score: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null }),
    // A write refuses -0, which adding 0 makes 0.
    ratio: fc.option(
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1, max: 1 }).map((ratio) => ratio + 0),
      { nil: null },
    ),
    at: fc.option(
      fc.integer({ min: 0, max: 3 }).map((ms) => new Date(ms)),
      { nil: null },
    ),
    amount: fc.option(fc.constantFrom('0.0000000001', '0.0000000002', '12345678901234567890.5'), {
      nil: null,
    }),
    note: fc.option(fc.constantFrom('', 'a', 'b', 'ä', "'"), { nil: null }),
    flag: fc.option(fc.boolean(), { nil: null }),
  }),
  { minLength: 1, maxLength: 10 },
)

type Options = QueryOptions<TypesOf<typeof samples>['compared']>
type Plan = Pick<Options, 'orderBy' | 'orderDir'>
const ORDERS = [
  'score',
  'ratio',
  'at',
  'amount',
  'note',
  'flag',
  'createdAt',
  'recordId',
  'createdBy',
] as const
const plans = fc.array(
  fc.record({
    orderBy: fc.constantFrom(...ORDERS),
    orderDir: fc.constantFrom('asc' as const, 'desc' as const),
  }),
  { minLength: 1, maxLength: 2 },
)

async function page(tools: BenchTools, options: Options) {
  const found = dataOf(await tools.query('samples', { where: { label: 'paged' }, ...options }))
  return { ids: found.records.map(({ recordId }) => recordId), nextCursor: found.nextCursor }
}

/** Follows nextCursor to the end; the nth page has the nth limit. */
async function pages(tools: BenchTools, plan: Plan, limits: readonly number[]): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | null = null
  for (let turn = 0; turn < 100; turn += 1) {
    const found: Awaited<ReturnType<typeof page>> = await page(tools, {
      ...plan,
      cursor,
      limit: limits[turn % limits.length],
    })
    ids.push(...found.ids)
    cursor = found.nextCursor
    if (cursor === null) return ids
  }
  throw new Error('The pages have no end')
}

const limitsOf = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 })

it('pages hold every record exactly once, in the order of one large page, with equal and NULL values', async () => {
  await fc.assert(
    fc.asyncProperty(rows, plans, limitsOf, async (given, orders, limits) => {
      const outcome = await bench.run(async (tools) => {
        for (const row of given) dataOf(await tools.create('samples', { label: 'paged', ...row }))
        const compared: { whole: string[]; paged: string[] }[] = []
        for (const plan of orders) {
          const { ids } = await page(tools, plan)
          compared.push({ whole: ids, paged: await pages(tools, plan, limits) })
        }
        dataOf(await tools.deleteWhere('samples', { label: 'paged' }))
        return { success: true, data: compared }
      })
      for (const { whole, paged } of dataOf(outcome)) {
        expect(paged).toEqual(whole)
        expect(new Set(paged).size).toBe(given.length)
      }
    }),
    { numRuns: 15 },
  )
})

it.each(ORDERS)('pages of an order by %s are whole both ways', async (orderBy) => {
  const outcome = await bench.run(async (tools) => {
    const two = [
      { score: 1, ratio: 0.1, at: new Date(1), amount: '0.1', note: 'a', flag: false },
      { score: 2, ratio: 0.2, at: new Date(2), amount: '0.2', note: 'b', flag: true },
    ]
    for (const row of [{}, ...two, ...two]) dataOf(await tools.create('samples', { label: 'paged', ...row }))
    for (const orderDir of ['asc', 'desc'] as const) {
      const paged = await pages(tools, { orderBy, orderDir }, [1])
      expect(paged, orderDir).toEqual((await page(tools, { orderBy, orderDir })).ids)
      expect(new Set(paged).size).toBe(5)
    }
    return tools.deleteWhere('samples', { label: 'paged' })
  })
  expect(dataOf(outcome)).toEqual({ deleted: 5 })
})

it.each([
  ['asc', [1, 2, null, null]],
  ['desc', [null, null, 2, 1]],
] as const)('NULLs stand where Postgres sorts them: %s gives %j', async (orderDir, expected) => {
  const outcome = await bench.run(async (tools) => {
    for (const score of [null, 2, null, 1]) dataOf(await tools.create('samples', { label: 'nulls', score }))
    const found = await tools.query('samples', { where: { label: 'nulls' }, orderBy: 'score', orderDir })
    dataOf(await tools.deleteWhere('samples', { label: 'nulls' }))
    return { success: true, data: dataOf(found).records.map(({ data }) => data.score) }
  })
  expect(dataOf(outcome)).toEqual(expected)
})
