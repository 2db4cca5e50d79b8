import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CursorPosition, encodeCursor } from '../../server/wire/cursor.ts'
import { type Bench, dataOf, mint, openBench } from './workbench.ts'

// limits.md: page

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

interface LoosePage {
  readonly records: readonly { readonly recordId: string }[]
  readonly count: number
  readonly nextCursor: string | null
}
const query = (options?: unknown) => bench.loose((tools) => tools.query('samples', options))

describe('a page', () => {
  it('is ordered by createdAt, newest first, then by recordId', async () => {
    const label = mint('label')
    await bench.execute(`insert into samples (record_id, created_at, updated_at, label, slug) values
      ('p-old', '2030-01-01Z', now(), '${label}', ''), ('p-b', '2030-01-02Z', now(), '${label}', ''),
      ('p-a', '2030-01-02Z', now(), '${label}', ''), ('p-new', '2030-01-03Z', now(), '${label}', '')`)
    const page = dataOf(await bench.run((tools) => tools.query('samples', { where: { label } })))
    expect(page.records.map(({ recordId }) => recordId)).toEqual(['p-new', 'p-b', 'p-a', 'p-old'])
    expect(page).toMatchObject({ count: 4, nextCursor: null })
    const up = await bench.run((tools) => tools.query('samples', { where: { label }, orderDir: 'asc' }))
    expect(dataOf(up).records.map(({ recordId }) => recordId)).toEqual(['p-old', 'p-a', 'p-b', 'p-new'])
  })

  it('counts its own records; the total is count', async () => {
    const label = mint('label')
    await bench.run(async (tools) => {
      for (let made = 0; made < 3; made += 1) dataOf(await tools.create('samples', { label }))
      return { success: true, data: null }
    })
    const page = dataOf(await bench.run((tools) => tools.query('samples', { where: { label }, limit: 2 })))
    expect(page).toMatchObject({ count: 2, nextCursor: expect.any(String) })
    expect(page.records).toHaveLength(2)
    expect(dataOf(await bench.run((tools) => tools.count('samples', { label })))).toEqual({ count: 3 })
  })

  it('of more than 1000 records without a limit is refused loudly, and exactly 1000 are given', async () => {
    const label = mint('label')
    await bench.execute(`insert into samples (record_id, created_at, updated_at, label, slug)
      select '${label}-' || n, now(), now(), '${label}', '' from generate_series(1, 1000) n`)
    const full = dataOf(await bench.run((tools) => tools.query('samples', { where: { label } })))
    expect(full).toMatchObject({ count: 1_000, nextCursor: null })
    await bench.run((tools) => tools.create('samples', { label }))
    const refused = await bench.run((tools) => tools.query('samples', { where: { label } }))
    expect(refused).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect(refused.error).toMatch(/More than 1000 records .* give a limit and follow nextCursor/)
    const limited = await bench.run((tools) => tools.query('samples', { where: { label }, limit: 1_000 }))
    expect(dataOf(limited)).toMatchObject({ count: 1_000, nextCursor: expect.any(String) })
  })
})

describe('options', () => {
  it.each([-1, 0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '2', 1e9, 1_001, null, 2n, [2]])(
    'a limit of %s is BAD_REQUEST',
    async (limit) => {
      expect(await query({ limit })).toMatchObject({
        success: false,
        code: 'BAD_REQUEST',
        error: 'limit: must be a whole number from 1 to 1000',
      })
    },
  )

  it.each([1, 2, 1_000, undefined])('a limit of %s is taken', async (limit) => {
    expect(await query({ where: { label: 'nobody' }, limit })).toMatchObject({ success: true })
  })

  it.each([
    ['unknown', 'titel'],
    ['version', 'version'],
    ['a column', 'created_at'],
    ['a method of the table', 'getSQL'],
    ['what every object has', 'constructor'],
    ['what every object has', '__proto__'],
    ['SQL', 'label; drop table samples'],
    ['a list', ['label']],
    ['null', null],
    ['a field without an order', 'payload'],
    ['an array field', 'tags'],
  ])('orderBy that is %s is BAD_REQUEST', async (_what, orderBy) => {
    expect(await query({ orderBy })).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path: ['orderBy'] }],
    })
  })

  it.each([
    'label',
    'note',
    'score',
    'ratio',
    'big',
    'amount',
    'flag',
    'at',
    'recordId',
    'createdBy',
    'updatedAt',
  ])('orderBy %s is taken, both ways', async (orderBy) => {
    for (const orderDir of ['asc', 'desc'])
      expect(await query({ where: { label: 'nobody' }, orderBy, orderDir })).toMatchObject({ success: true })
  })

  it.each(['ASC', 'up', 'asc; drop table samples', 1, null])(
    'orderDir %s is BAD_REQUEST',
    async (orderDir) => {
      expect(await query({ orderDir })).toMatchObject({
        code: 'BAD_REQUEST',
        issues: [{ path: ['orderDir'] }],
      })
    },
  )

  it('an unknown option is named, and options must be an object', async () => {
    expect(await query({ offset: 5 })).toMatchObject({ code: 'BAD_REQUEST', issues: [{ path: ['offset'] }] })
    for (const options of [null, [], 'label', 5])
      expect(await query(options)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  })
})

describe('a cursor', () => {
  const label = 'cursor-rows'
  const base = { where: { label }, orderBy: 'score', orderDir: 'asc', limit: 1 }
  let cursor = ''
  beforeAll(async () => {
    await bench.run(async (tools) => {
      for (let score = 0; score < 3; score += 1) dataOf(await tools.create('samples', { label, score }))
      return { success: true, data: null }
    })
    cursor = (dataOf(await query(base)) as LoosePage).nextCursor ?? ''
  })

  const forge = (change: (parts: unknown[]) => unknown) => {
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Buffer.from(JSON.stringify(change(parts))).toString('base64url')
  }
  /** As this query's own pages have it. */
  const pageAfter = (...position: CursorPosition) => {
    const { where, orderBy, orderDir } = base
    return encodeCursor({ list: 'samples', filters: { where, orderBy, orderDir, reader: 'app' } }, position)
  }
  const withPart = (position: number, value: unknown) => () =>
    forge((parts) => parts.map((part, at) => (at === position ? value : part)))

  it('continues the same query, whatever the limit of the next page is', async () => {
    expect(dataOf(await query({ ...base, limit: 5, cursor }))).toMatchObject({ count: 2, nextCursor: null })
  })

  it.each([
    ['another where', { where: { label: 'other' } }],
    ['no where', { where: undefined }],
    ['another order', { orderBy: 'label' }],
    ['the default order', { orderBy: undefined }],
    ['another direction', { orderDir: 'desc' }],
  ])('is refused with %s', async (_what, change) => {
    expect(await query({ ...base, ...change, cursor })).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path: ['cursor'] }],
    })
  })

  it('is refused by another collection', async () => {
    const [first] = [await bench.run((tools) => tools.query('samples', { limit: 1 }))]
    const { nextCursor } = dataOf(first)
    expect(nextCursor).toEqual(expect.any(String))
    expect(await bench.run((tools) => tools.query('events', { limit: 1, cursor: nextCursor }))).toMatchObject(
      {
        code: 'BAD_REQUEST',
        issues: [{ path: ['cursor'] }],
      },
    )
  })

  it.each<[string, () => unknown]>([
    ['empty', () => ''],
    ['truncated', () => cursor.slice(0, -3)],
    ['longer by a character', () => `${cursor}A`],
    ['padded', () => `${cursor}=`],
    ['with a space', () => ` ${cursor}`],
    ['another version', withPart(0, 2)],
    ['another collection', withPart(1, 'events')],
    ['without a hash', withPart(2, '')],
    ['with another value', withPart(3, '-5')],
    ['with a number for the value', () => pageAfter(5, 'x', null)],
    ['with NUL in the value', () => pageAfter('a\0', 'x', null)],
    ['with a value of another type', () => pageAfter('abc', 'x', null)],
    ['with a value that is nearly a number', () => pageAfter('1; drop table samples', 'x', null)],
    ['with an object for the id', withPart(4, {})],
    ['with a part too few', () => pageAfter('1', 'x')],
    ['with a part too many', () => pageAfter('1', 'x', null, 1)],
    ['an object', () => forge(() => ({ __proto__: [] }))],
    ['not JSON', () => Buffer.from('[1,').toString('base64url')],
    ['huge', () => 'A'.repeat(10_000)],
    ['a number', () => 5],
    ['an object itself', () => ({})],
  ])('that is %s is BAD_REQUEST, never a page', async (_what, make) => {
    expect(await query({ ...base, cursor: make() })).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  })

  it('grants nothing: where applies to every page', async () => {
    const moved = pageAfter('-5', 'x', null)
    const page = dataOf(await query({ ...base, limit: 1_000, cursor: moved })) as LoosePage
    expect(page.count).toBe(3)
  })
})
