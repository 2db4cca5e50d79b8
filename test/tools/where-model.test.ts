import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, dataOf, openBench } from './workbench.ts'

// `where` against a model in JavaScript: what the database finds is what the filter leaves.

interface Row {
  readonly label: string
  readonly note: string | null
  readonly score: number | null
  readonly at: Date | null
}
type Value = string | number | Date | null

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const word = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_', '\\', '"'), maxLength: 3 })
const small = fc.integer({ min: -2, max: 2 })
const instant = fc.integer({ min: 0, max: 3 }).map((second) => new Date(second * 1_000))
const rowsOf = fc.array(
  fc.record({
    label: word,
    note: fc.option(word, { nil: null }),
    score: fc.option(small, { nil: null }),
    at: fc.option(instant, { nil: null }),
  }),
  { maxLength: 12 },
)

const equality = (value: fc.Arbitrary<unknown>) =>
  fc.oneof(
    value,
    fc.constant(null),
    fc.record({ eq: fc.option(value) }),
    fc.record({ ne: fc.option(value) }),
    fc.record({ in: fc.array(value, { maxLength: 3 }) }),
    fc.record({ notIn: fc.array(value, { maxLength: 3 }) }),
    fc.record({ isNull: fc.boolean() }),
  )
const order = (value: fc.Arbitrary<unknown>) =>
  fc.oneof(
    fc.record({ gt: value }),
    fc.record({ gte: value, lt: value }),
    fc.record({ lt: value, ne: value }),
    fc.record({ lte: value }),
  )
const pattern = fc.oneof(fc.record({ contains: word }), fc.record({ startsWith: word, ne: word }))

const { where: anyWhere } = fc.letrec<{ where: unknown; field: unknown }>((tie) => ({
  field: fc.oneof(
    fc.record({ note: fc.oneof(equality(word), pattern) }),
    fc.record({ label: fc.oneof(equality(word), pattern) }),
    fc.record({ score: fc.oneof(equality(small), order(small)) }),
    fc.record({ at: fc.oneof(equality(instant), order(instant)) }),
    fc.record({ score: order(small), note: equality(word) }),
  ),
  where: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    tie('field'),
    fc.record({ AND: fc.array(tie('where'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ OR: fc.array(tie('where'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ NOT: tie('where') }),
  ),
}))

/** At most as many patterns as one `where` may have. */
const where = anyWhere.filter((condition) => patternsIn(condition) <= 5)

function patternsIn(condition: unknown): number {
  return (JSON.stringify(condition).match(/"(contains|startsWith)":/g) ?? []).length
}

function matches(row: Row, condition: unknown): boolean {
  return Object.entries(condition as object).every(([key, operand]) => {
    if (key === 'AND') return (operand as unknown[]).every((member) => matches(row, member))
    if (key === 'OR') return (operand as unknown[]).some((member) => matches(row, member))
    if (key === 'NOT') return !matches(row, operand)
    const value = row[key as keyof Row]
    if (operand === null || typeof operand !== 'object' || operand instanceof Date)
      return same(value, operand as Value)
    return Object.entries(operand).every(([name, right]) => holds(value, name, right))
  })
}

const plain = (value: Value) => (value instanceof Date ? value.getTime() : value)
const same = (left: Value, right: Value) => plain(left) === plain(right)

function holds(value: Value, operator: string, operand: unknown): boolean {
  if (operator === 'isNull') return (value === null) === operand
  if (operator === 'eq') return same(value, operand as Value)
  if (operator === 'ne') return !same(value, operand as Value)
  if (operator === 'in') return (operand as Value[]).some((member) => same(value, member))
  if (operator === 'notIn') return !(operand as Value[]).some((member) => same(value, member))
  if (value === null) return false
  if (operator === 'contains') return String(value).includes(String(operand))
  if (operator === 'startsWith') return String(value).startsWith(String(operand))
  const [left, right] = [Number(plain(value)), Number(plain(operand as Value))]
  if (operator === 'gt') return left > right
  if (operator === 'gte') return left >= right
  if (operator === 'lt') return left < right
  return left <= right
}

it('where finds exactly what a filter in JavaScript leaves, and its NOT exactly the rest', async () => {
  await fc.assert(
    fc.asyncProperty(rowsOf, fc.array(where, { minLength: 4, maxLength: 8 }), async (rows, conditions) => {
      const found = await bench.loose(async (tools) => {
        for (const [position, row] of rows.entries())
          dataOf(await tools.create('samples', row, `row-${position}`))
        const counted: unknown[] = []
        for (const condition of conditions) {
          const page = dataOf(
            await tools.query('samples', { where: condition, orderBy: 'recordId', orderDir: 'asc' }),
          ) as { records: { recordId: string }[] }
          const rest = dataOf(await tools.count('samples', { NOT: condition })) as { count: number }
          counted.push([page.records.map(({ recordId }) => recordId).sort(), rest.count])
        }
        dataOf(await tools.deleteWhere('samples', { recordId: { startsWith: 'row-' } }, 1_000))
        return { success: true, data: counted }
      })
      const expected = conditions.map((condition) => {
        const ids = rows.flatMap((row, position) => (matches(row, condition) ? [`row-${position}`] : []))
        return [ids.sort(), rows.length - ids.length]
      })
      expect(dataOf(found)).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})
