import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bench, dataOf, mint, openBench } from './workbench.ts'

// limits.md: where-writes

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

async function newSamples(count: number): Promise<string> {
  const label = mint('label')
  await bench.execute(`insert into samples (record_id, created_at, updated_at, label, slug)
    select '${label}-' || lpad(n::text, 5, '0'), now(), now(), '${label}', '' from generate_series(1, ${count}) n`)
  return label
}
const count = async (where: { label: string; note?: string | null }) =>
  dataOf(await bench.run((tools) => tools.count('samples', where))).count

describe('updateWhere', () => {
  it('patches 100 records unless told, in the order of their ids, and raises their versions', async () => {
    const label = await newSamples(130)
    expect(
      dataOf(await bench.run((tools) => tools.updateWhere('samples', { label }, { note: 'x' }))),
    ).toEqual({
      updated: 100,
    })
    expect(await count({ label, note: 'x' })).toBe(100)
    const page = await bench.run((tools) =>
      tools.query('samples', {
        where: { label, note: null },
        orderBy: 'recordId',
        orderDir: 'asc',
        limit: 1,
      }),
    )
    expect(dataOf(page).records).toMatchObject([{ recordId: `${label}-00101`, version: 1 }])
    const patched = await bench.run((tools) => tools.get('samples', `${label}-00100`))
    expect(dataOf(patched).record).toMatchObject({ version: 2, data: { note: 'x' } })
  })

  it('is repeated until below the limit', async () => {
    const label = await newSamples(25)
    const rounds = await bench.run(async (tools) => {
      const updated: number[] = []
      do {
        const round = await tools.updateWhere('samples', { label, note: null }, { note: 'done' }, 10)
        updated.push(dataOf(round).updated)
      } while (updated.at(-1) === 10)
      return { success: true, data: updated }
    })
    expect(dataOf(rounds)).toEqual([10, 10, 5])
    expect(await count({ label, note: 'done' })).toBe(25)
  })

  it('of nothing that matches is a success of 0', async () => {
    expect(
      dataOf(await bench.run((tools) => tools.updateWhere('samples', { label: mint() }, { note: 'x' }))),
    ).toEqual({
      updated: 0,
    })
  })

  it('with an empty patch is BAD_REQUEST', async () => {
    expect(await bench.run((tools) => tools.updateWhere('samples', { label: 'a' }, {}))).toMatchObject({
      code: 'BAD_REQUEST',
      error: 'patch: must name at least one field',
    })
  })
})

describe('deleteWhere', () => {
  it('deletes up to the limit and is repeated until below it', async () => {
    const label = await newSamples(2_500)
    const rounds = await bench.run(async (tools) => {
      const deleted = [dataOf(await tools.deleteWhere('samples', { label })).deleted]
      do deleted.push(dataOf(await tools.deleteWhere('samples', { label }, 1_000)).deleted)
      while (deleted.at(-1) === 1_000)
      return { success: true, data: deleted }
    })
    expect(dataOf(rounds)).toEqual([100, 1_000, 1_000, 400])
    expect(await count({ label })).toBe(0)
  })

  it('takes 10 000 at once', async () => {
    const label = await newSamples(10_001)
    expect(dataOf(await bench.run((tools) => tools.deleteWhere('samples', { label }, 10_000)))).toEqual({
      deleted: 10_000,
    })
    expect(await count({ label })).toBe(1)
  })
})

describe('both refuse', () => {
  it.each([
    ['an empty where', {}],
    ['undefined', undefined],
    ['null', null],
    ['an empty AND', { AND: [] }],
    ['a NOT of nothing', { NOT: {} }],
    ['an undefined condition', { label: undefined }],
  ])('%s, and change nothing', async (_what, where) => {
    const label = await newSamples(2)
    for (const verb of ['updateWhere', 'deleteWhere'] as const) {
      const refused = await bench.loose((tools) =>
        verb === 'updateWhere'
          ? tools[verb]('samples', where, { note: 'hit' })
          : tools[verb]('samples', where),
      )
      expect(refused, verb).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    }
    expect(await count({ label, note: null })).toBe(2)
  })

  it.each([-1, 0, 1.5, Number.NaN, '2', 10_001, 1e9, null])('a limit of %s', async (limit) => {
    const label = await newSamples(1)
    const refused = [
      await bench.loose((tools) => tools.updateWhere('samples', { label }, { note: 'x' }, limit)),
      await bench.loose((tools) => tools.deleteWhere('samples', { label }, limit)),
    ]
    for (const result of refused)
      expect(result).toMatchObject({ success: false, code: 'BAD_REQUEST', issues: [{ path: ['limit'] }] })
    expect(await count({ label, note: null })).toBe(1)
  })
})
