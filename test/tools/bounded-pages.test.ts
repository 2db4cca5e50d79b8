import type { ActionResult } from 'deputyjs'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bench, dataOf, type LooseTools, openBench } from './workbench.ts'

// limits.md: page-bytes

// Pages that end early, by what they hold or by what was looked at, are whole all the same.

const MIB = 1_048_576
/** Texts of all sizes, that pack well or not at all, with characters of one to four bytes. */
const FILL = `
  insert into samples (record_id, created_at, updated_at, label, note, score, slug, payload, tags)
  select 'row-' || i, timestamptz '2026-01-01' + (i % 700) * interval '1 second', now(), 'big',
    case i % 7
      when 0 then null
      when 1 then repeat('a', 10000)
      when 2 then repeat('a', i) || 'needle'
      when 3 then repeat('ä', 5000) || i
      when 4 then (select string_agg(md5(i || '-' || j), '') from generate_series(1, 200) j)
      when 5 then repeat('😀', 2500)
      else 'short' || i end,
    case when i % 5 = 0 then null else i % 11 end, 'slug',
    case when i % 50 = 0 then to_jsonb(repeat('j', 90000)) end,
    case when i % 60 = 0 then array_fill('tag' || i, array[900]) end
  from generate_series(1, 2500) i`

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
  await bench.execute(FILL)
})
afterAll(() => bench[Symbol.asyncDispose]())

interface FoundPage {
  readonly records: readonly { readonly recordId: string; readonly data: Record<string, unknown> }[]
  readonly count: number
  readonly nextCursor: string | null
}
const queryWith = async (tools: LooseTools, options: object) =>
  dataOf((await tools.query('samples', options)) as ActionResult<FoundPage>)

/** Follows nextCursor to the end. */
async function pages(options: object): Promise<FoundPage[]> {
  const list: FoundPage[] = []
  const outcome = await bench.loose(async (tools) => {
    let cursor: string | null = null
    do {
      const page: FoundPage = await queryWith(tools, { ...options, cursor })
      list.push(page)
      cursor = page.nextCursor
    } while (cursor !== null && list.length < 3_000)
    return { success: true, data: null }
  })
  dataOf(outcome)
  return list
}

const idsOf = (list: readonly FoundPage[]) =>
  list.flatMap(({ records }) => records.map((row) => row.recordId))
const bytesOf = ({ records }: FoundPage) => Buffer.byteLength(JSON.stringify(records.map(({ data }) => data)))

/** What a scan of the whole collection finds. */
async function scan(condition: string): Promise<string[]> {
  const { rows } = await bench.app.database.query({
    sql: `select record_id from samples where ${condition}`,
    params: [],
  })
  return rows.map(([id]) => String(id)).sort()
}

const PATTERNS = ['needle', 'b'.concat('a'.repeat(99)), 'aab', 'ä1', '😀', '%', ''] as const
const contains = (pattern: string) => `(note is not null and position('${pattern}' in note) > 0)`
const wheres = fc.oneof(
  fc.constant({ where: {}, condition: 'true' }),
  fc.integer({ min: 0, max: 10 }).map((score) => ({
    where: { score: { lt: score } },
    condition: `coalesce(score < ${score}, false)`,
  })),
  fc.constantFrom(...PATTERNS).map((pattern) => ({
    where: { note: { contains: pattern } },
    condition: contains(pattern),
  })),
  fc.tuple(fc.constantFrom(...PATTERNS), fc.constantFrom(...PATTERNS)).map(([a, b]) => ({
    where: { OR: [{ NOT: { note: { contains: a } } }, { note: { contains: b }, score: { gt: 3 } }] },
    condition: `(not ${contains(a)} or (${contains(b)} and coalesce(score > 3, false)))`,
  })),
  fc.constantFrom('aaaa', 'short1').map((prefix) => ({
    where: { AND: [{ note: { startsWith: prefix } }, { note: { gt: 'aaaaa' } }] },
    condition: `coalesce(starts_with(note, '${prefix}') and note > 'aaaaa', false)`,
  })),
  fc.constant({
    where: { note: { in: ['a'.repeat(10_000), 'short6'] } },
    condition: `coalesce(note in (repeat('a', 10000), 'short6'), false)`,
  }),
)
const orders = fc.record({
  orderBy: fc.constantFrom('createdAt', 'recordId', 'score', 'note'),
  orderDir: fc.constantFrom('asc', 'desc'),
  limit: fc.integer({ min: 60, max: 1_000 }),
})

it('pages of every size, order and search hold exactly what a whole scan finds', async () => {
  let [endedEarly, empty] = [0, 0]
  await fc.assert(
    fc.asyncProperty(wheres, orders, async ({ where, condition }, order) => {
      const found = await pages({ where, ...order })
      const ids = idsOf(found)
      expect(new Set(ids).size).toBe(ids.length)
      expect([...ids].sort()).toEqual(await scan(condition))
      const early = found.slice(0, -1).filter(({ count }) => count < order.limit)
      endedEarly += early.length
      empty += early.filter(({ count }) => count === 0).length
      for (const page of found) {
        expect(page.records).toHaveLength(page.count)
        expect(page.count).toBeLessThanOrEqual(order.limit)
        expect(page.count === 1 ? 0 : bytesOf(page)).toBeLessThan(3 * MIB)
      }
    }),
    {
      numRuns: 12,
      examples: [
        [
          { where: { note: { contains: 'b'.concat('a'.repeat(99)) } }, condition: 'false' },
          { orderBy: 'createdAt', orderDir: 'asc', limit: 1_000 },
        ],
        [
          { where: {}, condition: 'true' },
          { orderBy: 'note', orderDir: 'desc', limit: 1_000 },
        ],
      ],
    },
  )
  expect(endedEarly).toBeGreaterThan(0)
  expect(empty).toBeGreaterThan(0)
}, 120_000)

describe('without a limit', () => {
  it.each([
    [
      { score: { gt: 0 } },
      'More than 2097152 bytes of records of "samples" match; give a limit and follow nextCursor',
    ],
    [
      { note: { contains: 'b'.concat('a'.repeat(99)) } },
      'narrow where by a field with an index, of which there are recordId, createdAt, shortCode, mail, or give a limit and follow nextCursor.',
    ],
  ])('what would end early is refused loudly: %j', async (where, message) => {
    const answer = await bench.loose((tools) => tools.query('samples', { where }))
    expect(answer).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect((answer as { error: string }).error).toContain(message)
  })

  it('a search that has looked at all there is, is answered', async () => {
    const where = { recordId: { startsWith: 'row-24' }, note: { contains: 'b'.concat('a'.repeat(99)) } }
    expect(await bench.loose((tools) => tools.query('samples', { where }))).toMatchObject({
      success: true,
      data: { records: [], nextCursor: null },
    })
  })
})

describe.each([
  ['count', (tools: LooseTools, where: object) => tools.count('samples', where)],
  [
    'updateWhere',
    (tools: LooseTools, where: object) => tools.updateWhere('samples', where, { score: 99 }, 10_000),
  ],
  ['deleteWhere', (tools: LooseTools, where: object) => tools.deleteWhere('samples', where, 10_000)],
])('%s of more than may be looked at', (_verb, run) => {
  it('is refused, says how much was looked at, and writes nothing', async () => {
    const answer = await bench.loose((tools) => run(tools, { note: { contains: 'x'.repeat(100) } }))
    expect(answer).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect((answer as { error: string }).error).toMatch(
      /^After \d{3,4} records of "samples", the conditions on "note" have cost what one call may, and there are more; narrow where by a field with an index, of which there are recordId, createdAt, shortCode, mail/,
    )
    expect(await scan('score = 99')).toEqual([])
    expect(await scan('true')).toHaveLength(2_500)
  })

  it('is done where an indexed field narrows it', async () => {
    const where = { recordId: { in: ['row-3', 'row-4'] }, note: { contains: 'no such text' } }
    expect(await bench.loose((tools) => run(tools, where))).toMatchObject({ success: true })
  })
})

it('a search that finds its limit in time is written, however much more there is', async () => {
  const where = { note: { contains: 'needle' } }
  const answer = await bench.loose((tools) => tools.updateWhere('samples', where, { slug: 'found' }, 5))
  expect(dataOf(answer)).toEqual({ updated: 5 })
  expect(await scan(`slug = 'found'`)).toHaveLength(5)
})

describe('an order by long texts', () => {
  it('goes on from a value that no cursor holds, as long as it is the same', async () => {
    const options = { where: { score: 1 }, orderBy: 'note', orderDir: 'desc', limit: 30 }
    const first = await bench.loose(async (tools) => ({
      success: true,
      data: await queryWith(tools, options),
    }))
    const { records, nextCursor } = dataOf(first) as FoundPage
    expect(String(records.at(-1)?.data.note).length).toBeGreaterThan(2_000)
    expect(String(nextCursor).length).toBeLessThan(1_000)
    const last = String(records.at(-1)?.recordId)
    await bench.run((tools) => tools.update('samples', last, { note: 'changed' }))
    const answer = await bench.loose((tools) => tools.query('samples', { ...options, cursor: nextCursor }))
    expect(answer).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      error:
        'cursor: the record that the page before ended with has changed or is gone; begin again without a cursor.',
    })
  })

  it('is refused where more would be compared than one call may', async () => {
    await bench.execute(`
      insert into samples (record_id, created_at, updated_at, label, note, slug)
      select 'long-' || i, now(), now(), 'sorted', repeat('a', 10000), 'slug' from generate_series(1, 4000) i`)
    const by = (where: object) =>
      bench.loose((tools) => tools.query('samples', { where, orderBy: 'note', limit: 1 }))
    expect(await by({ label: 'sorted' })).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      error:
        'To order by "note", which has no index, 40000000 bytes of "samples" would have to be compared, more than 33333333; order by another field, or narrow where by a field with an index, of which there are recordId, createdAt, shortCode, mail.',
    })
    expect(await by({ recordId: 'long-1' })).toMatchObject({ success: true, data: { count: 1 } })
  })
})
