import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bench, dataOf, openBench } from './workbench.ts'

// limits.md: where-levels, where-conditions, where-values, pattern

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
  const rows = [
    { label: 'a', score: 1, note: '50% off', at: new Date(1_000), big: 2n ** 53n + 1n, amount: '1.5' },
    { label: 'b', score: 2, note: '50 off', at: new Date(2_000), flag: true, ratio: 0.1 },
    { label: 'c', score: 3, note: 'a_b\\', payload: { any: 1 } },
    { label: 'd', note: 'axb' },
    { label: 'e', score: 2 },
  ]
  await bench.run(async (tools) => {
    for (const row of rows) dataOf(await tools.create('samples', row, `row-${row.label}`))
    return { success: true, data: null }
  })
})
afterAll(() => bench[Symbol.asyncDispose]())

/** The labels that match, in order. */
async function labels(where: unknown): Promise<string> {
  const page = dataOf(
    await bench.loose((tools) => tools.query('samples', { where, orderBy: 'label', orderDir: 'asc' })),
  ) as { records: { data: { label: string } }[] }
  return page.records.map(({ data }) => data.label).join('')
}

const MATCHES: readonly (readonly [unknown, string])[] = [
  [{}, 'abcde'],
  [{ label: 'a' }, 'a'],
  [{ score: 2 }, 'be'],
  [{ score: null }, 'd'],
  [{ score: { eq: 2 } }, 'be'],
  [{ score: { eq: null } }, 'd'],
  [{ score: { ne: 2 } }, 'acd'],
  [{ score: { ne: null } }, 'abce'],
  [{ score: { gt: 2 } }, 'c'],
  [{ score: { gte: 2 } }, 'bce'],
  [{ score: { lt: 2 } }, 'a'],
  [{ score: { lte: 2 } }, 'abe'],
  [{ score: { gt: 1, lt: 3 } }, 'be'],
  [{ score: { in: [1, 3, 99] } }, 'ac'],
  [{ score: { in: [] } }, ''],
  [{ score: { notIn: [1, 3] } }, 'bde'],
  [{ score: { notIn: [] } }, 'abcde'],
  [{ score: { isNull: true } }, 'd'],
  [{ score: { isNull: false } }, 'abce'],
  [{ note: { contains: '%' } }, 'a'],
  [{ note: { contains: '_' } }, 'c'],
  [{ note: { contains: '\\' } }, 'c'],
  [{ note: { contains: 'off' } }, 'ab'],
  [{ note: { contains: '' } }, 'abcd'],
  [{ note: { startsWith: '50%' } }, 'a'],
  [{ note: { startsWith: 'a_b\\' } }, 'c'],
  [{ note: { startsWith: '50' } }, 'ab'],
  [{ note: { contains: 'OFF' } }, ''],
  [{ note: { in: ['50% off', '50 off', '{"}', 'NULL', 'a,b'] } }, 'ab'],
  [{ at: new Date(1_000) }, 'a'],
  [{ at: { gt: new Date(1_000) } }, 'b'],
  [{ at: { in: [new Date(1_000), new Date(2_000)] } }, 'ab'],
  [{ big: 2n ** 53n + 1n }, 'a'],
  [{ big: 2n ** 53n }, ''],
  [{ big: { in: [2n ** 53n + 1n] } }, 'a'],
  [{ amount: '1.50' }, 'a'],
  [{ amount: { lt: '10' } }, 'a'],
  [{ ratio: 0.1 }, 'b'],
  [{ flag: true }, 'b'],
  [{ flag: { ne: true } }, 'acde'],
  [{ payload: { isNull: false } }, 'c'],
  [{ recordId: 'row-d' }, 'd'],
  [{ recordId: { in: ['row-a', 'row-e'] } }, 'ae'],
  [{ createdBy: 'ada' }, 'abcde'],
  [{ createdBy: null }, ''],
  [{ createdAt: { gt: new Date(0) } }, 'abcde'],
  [{ updatedAt: { lt: new Date(0) } }, ''],
  [{ score: 2, label: 'b' }, 'b'],
  [{ AND: [{ score: 2 }, { label: 'b' }] }, 'b'],
  [{ OR: [{ score: 1 }, { label: 'd' }] }, 'ad'],
  [{ OR: [{ score: 1 }, { score: 2 }], label: { ne: 'b' } }, 'ae'],
  [{ NOT: { score: 2 } }, 'acd'],
  [{ NOT: { score: { gt: 1 } } }, 'ad'],
  [{ NOT: { score: { ne: 2 } } }, 'be'],
  [{ NOT: { score: { in: [1, 2] } } }, 'cd'],
  [{ NOT: { score: { notIn: [1, 2] } } }, 'abe'],
  [{ NOT: { note: { contains: 'o' } } }, 'cde'],
  [{ NOT: { NOT: { score: null } } }, 'd'],
  [{ NOT: { score: 2, label: 'b' } }, 'acde'],
  [{ NOT: { OR: [{ score: 1 }, { score: null }] } }, 'bce'],
  [{ NOT: { NOT: { NOT: { NOT: { label: 'a' } } } } }, 'a'],
  [Object.assign(Object.create(null), { label: 'a' }), 'a'],
]

const show = (where: unknown) =>
  JSON.stringify(where, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))

describe('where', () => {
  it.each(MATCHES.map(([where, expected]) => [show(where), expected, where] as const))(
    '%s matches "%s"',
    async (_shown, expected, where) => {
      expect(await labels(where)).toBe(expected)
      const counted = await bench.loose((tools) => tools.count('samples', where))
      expect(dataOf(counted)).toEqual({ count: expected.length })
    },
  )

  it('takes 100 conditions and 1000 values in a list', async () => {
    expect(await labels({ OR: Array.from({ length: 100 }, (_, score) => ({ score: score + 2 })) })).toBe(
      'bce',
    )
    expect(await labels({ score: { in: Array.from({ length: 1_000 }, (_, value) => value) } })).toBe('abce')
  })
})

const nest = (levels: number) => {
  let where: unknown = { label: 'a' }
  for (let level = 0; level < levels; level += 1) where = { OR: [where] }
  return where
}
const withProto = JSON.parse('{ "__proto__": { "eq": 1 } }')
const cyclic: Record<string, unknown> = {}
cyclic.AND = [cyclic]

const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ['an unknown field', { titel: 'a' }, 'titel'],
  ['version', { version: 1 }, 'version'],
  ['a column name', { short_code: 'a' }, 'short_code'],
  ['getSQL', { getSQL: 'a' }, 'getSQL'],
  ['enableRLS', { enableRLS: 'a' }, 'enableRLS'],
  ['constructor', { constructor: 'a' }, 'constructor'],
  ['__proto__', withProto, '__proto__'],
  ['SQL for a field', { "title' or 1=1 --": 'a' }, "title' or 1=1 --"],
  ['lower case or', { or: [{ label: 'a' }] }, 'or'],
  ['an unknown operator', { label: { like: 'a' } }, 'like'],
  ['the operator toString', { label: { toString: 'a' } }, 'toString'],
  ['the operator constructor', { label: { constructor: 'a' } }, 'constructor'],
  ['the operator __proto__', { label: withProto }, '__proto__'],
  ['an object without operators', { label: {} }, 'label'],
  ['undefined for a value', { label: undefined }, 'label'],
  ['undefined for an operand', { label: { eq: undefined } }, 'eq'],
  ['a list for a value', { label: ['a'] }, 'label'],
  ['a number for text', { label: 1 }, 'label'],
  ['text for a number', { score: '1' }, 'score'],
  ['text for a date', { at: '1970-01-01T00:00:01Z' }, 'at'],
  ['an invalid date', { at: new Date('no') }, 'at'],
  ['text for a decimal', { amount: 'much' }, 'amount'],
  ['an integer out of range', { score: 2 ** 40 }, 'score'],
  ['NaN', { ratio: Number.NaN }, 'ratio'],
  ['NUL', { label: 'a\0' }, 'label'],
  ['NUL in contains', { label: { contains: 'a\0' } }, 'contains'],
  ['a lone surrogate', { label: '\ud800' }, 'label'],
  ['a lone surrogate in a list', { label: { in: ['\ud800'] } }, 'in[0]'],
  ['null for gt', { score: { gt: null } }, 'gt'],
  ['null in a list', { score: { in: [1, null] } }, 'in[1]'],
  ['no list for in', { score: { in: 1 } }, 'in'],
  ['text for isNull', { score: { isNull: 'true' } }, 'isNull'],
  ['contains on a number', { score: { contains: '1' } }, 'contains'],
  ['contains on a decimal', { amount: { contains: '1' } }, 'contains'],
  ['a number for contains', { label: { contains: 1 } }, 'contains'],
  ['eq on JSON', { payload: { eq: {} } }, 'payload'],
  ['a list on an array', { tags: ['a'] }, 'tags'],
  ['an empty AND', { AND: [] }, 'AND'],
  ['an empty OR', { OR: [] }, 'OR'],
  ['undefined for OR', { OR: undefined }, 'OR'],
  ['an object for OR', { OR: { label: 'a' } }, 'OR'],
  ['an empty member of OR', { OR: [{ label: 'a' }, {}] }, 'OR[1]'],
  ['undefined in AND', { AND: [undefined] }, 'AND[0]'],
  ['an empty NOT', { NOT: {} }, 'NOT'],
  ['a NOT of an empty NOT', { NOT: { NOT: {} } }, 'NOT'],
  ['a list for NOT', { NOT: [{ label: 'a' }] }, 'NOT'],
  ['6 levels', nest(5), 'deep'],
  ['5000 levels', nest(5_000), 'deep'],
  ['a where that holds itself', cyclic, 'deep'],
  ['101 conditions', { OR: Array.from({ length: 101 }, () => ({ label: 'a' })) }, '100 conditions'],
  ['5000 conditions', { OR: Array.from({ length: 5_000 }, () => ({ label: 'a' })) }, '100 conditions'],
  ['1001 values', { score: { in: Array.from({ length: 1_001 }, () => 1) } }, '1000 values'],
  [
    'a pattern of 101 characters',
    { label: { contains: 'a'.repeat(101) } },
    'where.label.contains: must have at most 100 characters; it has 101',
  ],
  [
    'a prefix of 101 emoji',
    { label: { startsWith: '😀'.repeat(101) } },
    'at most 100 characters; it has 101',
  ],
  [
    'a sixth pattern, however deep',
    {
      note: { contains: 'a', startsWith: 'b' },
      OR: [{ note: { contains: 'a' } }, { NOT: { AND: [{ label: { startsWith: 'b' } }] } }],
      AND: [{ NOT: { note: { contains: 'a' } } }, { label: { contains: 'b' } }],
    },
    'more than 5 conditions with contains and startsWith',
  ],
  [
    '1101 values in all lists',
    { OR: [500, 500, 100, 1].map((length) => ({ score: { in: Array(length).fill(1) } })) },
    'more than 1100 values to compare with',
  ],
  [
    '100001 characters in all values',
    { OR: [{ note: 'a'.repeat(60_000) }, { label: { in: ['b'.repeat(40_000), 'c'] } }] },
    'more than 100000 characters in the values to compare with',
  ],
  ['70000 values', { score: { notIn: Array.from({ length: 70_000 }, () => 1) } }, '1000 values'],
  ['null', null, 'where'],
  ['a list', [{ label: 'a' }], 'where'],
  ['a string', 'label = 1', 'where'],
]

describe('where refuses', () => {
  it.each(REFUSED)(
    '%s, naming it, for every verb, and the attempt stays usable',
    async (_what, where, named) => {
      const outcome = await bench.loose(async (tools) => {
        const refused = [
          await tools.query('samples', { where }),
          await tools.count('samples', where),
          await tools.updateWhere('samples', where, { note: 'hit' }),
          await tools.deleteWhere('samples', where),
        ]
        return { success: true, data: { refused, left: dataOf(await tools.count('samples')) } }
      })
      const { refused, left } = dataOf(outcome) as { refused: { error: string }[]; left: unknown }
      for (const failure of refused) {
        expect(failure).toMatchObject({ success: false, code: 'BAD_REQUEST' })
        expect(failure.error).toContain(named)
        expect(JSON.stringify(failure).length).toBeLessThan(4_000)
      }
      expect(left).toEqual({ count: 5 })
    },
  )
})
