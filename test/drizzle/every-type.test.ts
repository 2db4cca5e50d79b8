import { getPgColumnBuilders } from 'drizzle-orm/pg-core/columns/all'
import { SuperJSON } from 'superjson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import { DefinitionError } from '../../server/core/errors.ts'
import type { ActionResult } from '../../server/core/result.ts'
import { stringify } from '../../server/wire/to-json.ts'
import { builder, type Cabinet, kept, numbered, openCabinet, travels } from './cabinet.ts'
import { type Refused, TABLE } from './table.ts'

let cabinet: Cabinet
beforeAll(async () => {
  cabinet = await openCabinet()
})
afterAll(() => cabinet[Symbol.asyncDispose]())

interface Found {
  readonly recordId: string
  readonly data: Readonly<Record<string, unknown>>
  readonly unreadable?: readonly string[]
}

/** The data of a success, of whatever shape the test knows it to be. */
function dataOf<T>(answer: unknown): T {
  const result = answer as ActionResult<T>
  if (!result.success) throw new Error(result.error)
  return result.data
}

const json = (value: unknown): unknown => JSON.parse(stringify(value))
const show = (value: unknown) =>
  typeof value === 'bigint' ? `${value}n` : (stringify(value) ?? String(value))

describe('every column builder of Drizzle', () => {
  it('is in the table', () => {
    expect(Object.keys(getPgColumnBuilders()).filter((builder) => !Object.hasOwn(TABLE, builder))).toEqual([])
  })

  const refused = Object.entries(TABLE).flatMap(([builder, list]) =>
    list.flatMap((tried) =>
      typeof (tried as Refused).refused === 'string' ? [[builder, tried as Refused] as const] : [],
    ),
  )
  it.each(refused)('%s is refused at definition, with a sentence that names the field', (_builder, tried) => {
    const define = () => collection('things', { odd: tried.column() })
    expect(define).toThrow(DefinitionError)
    expect(define).toThrow(tried.refused)
    expect(define).toThrow('Field "odd" of collection "things"')
    const list = () => collection('things', { odd: builder(tried).array() })
    expect(list).toThrow(DefinitionError)
  })
})

describe.each(kept)('$name', ({ name, tried }) => {
  const { exact, isComparable = true } = tried
  const needed = exact.find(travels)

  it('comes back as it was given, from every verb that writes and every one that reads', async () => {
    const found = await cabinet.run(async (tools) => {
      const records: [unknown, unknown][] = []
      for (const [given, back] of [...exact.map((value) => [value, value] as const), ...(tried.same ?? [])]) {
        const { recordId } = dataOf<Found>(await tools.create?.(name, { value: given, needed }))
        const ids = [recordId, `${recordId}-merged`, `${recordId}-patched`, `${recordId}-several`]
        const [, merged, patched, several] = ids
        dataOf(await tools.create?.(name, { value: given, needed }, merged))
        dataOf(await tools.create?.(name, { value: given }, merged))
        dataOf(await tools.create?.(name, { needed }, patched))
        dataOf(await tools.update?.(name, patched, { value: given }))
        dataOf(await tools.create?.(name, { needed }, several))
        dataOf(await tools.updateWhere?.(name, { recordId: several }, { value: given }))
        for (const id of ids) {
          const { record } = dataOf<{ record: Found }>(await tools.get?.(name, id))
          records.push([back, record.data.value])
          expect(record).not.toHaveProperty('unreadable')
        }
        const page = dataOf<{ records: Found[] }>(
          (await tools.query?.(name, { where: { recordId: { in: ids } } })) as never,
        )
        for (const record of page.records) records.push([back, record.data.value])
        dataOf(await tools.deleteWhere?.(name, { recordId: { in: ids } }))
      }
      return records
    })
    for (const [given, read] of found) expect(read).toStrictEqual(given)
    expect(found.length).toBe((exact.length + (tried.same?.length ?? 0)) * 8)
  })

  it('has its defaults, of the database and of a function', async () => {
    const { record } = await cabinet.run(async (tools) => {
      const { recordId } = dataOf<Found>(await tools.create?.(name, { needed }))
      return dataOf<{ record: Found }>(await tools.get?.(name, recordId))
    })
    expect(record.data).toMatchObject({
      made: exact.at(-1),
      ...(tried.hasNoDefault ? {} : { preset: exact[0] }),
    })
  })

  it('is exact in a list', async () => {
    for (const list of [exact, []]) {
      const { record } = await cabinet.run(async (tools) => {
        const { recordId } = dataOf<Found>(await tools.create?.(name, { needed, list }))
        return dataOf<{ record: Found }>(await tools.get?.(name, recordId))
      })
      expect(record.data.list).toStrictEqual(list)
    }
  })

  it.each(tried.refused.map((value) => [show(value), value] as const))(
    'refuses %s, alone and in a list',
    async (_shown, value) => {
      const answers = await cabinet.run(async (tools) => [
        await tools.create?.(name, { needed, value }),
        await tools.create?.(name, { needed, list: [value] }),
      ])
      for (const answer of answers) expect(answer).toMatchObject({ success: false, code: 'BAD_REQUEST' })
      const [alone, among] = answers as { error?: string }[]
      expect(alone?.error).toContain('data.value')
      if (among) expect(among.error).toContain('data.list')
    },
  )

  it('is empty with null, and a field that is needed is not, nor is an element', async () => {
    const answers = await cabinet.run(async (tools) => [
      await tools.create?.(name, { needed, value: null }),
      await tools.create?.(name, { needed: null }),
      await tools.create?.(name, { needed, list: [null] }),
    ])
    expect(answers.map((answer) => answer?.success)).toEqual([true, false, false])
  })

  it('is found by where, a page at a time in its order, and among elements', async () => {
    if (!isComparable) return
    await cabinet.run(async (tools) => {
      dataOf(await tools.deleteWhere?.(name, { recordId: { isNull: false } }, 10_000))
      for (const [nth, value] of exact.entries()) {
        const list = { list: [value] }
        dataOf(await tools.create?.(name, { needed, value, ...list }, `r${nth}`))
      }
      dataOf(await tools.create?.(name, { needed }, 'empty'))
      const ids = async (where: unknown, orderBy = 'recordId') => {
        const found: string[] = []
        for (let cursor: string | null = null, pages = 0; pages < 40; pages += 1) {
          const page: { records: Found[]; nextCursor: string | null } = dataOf(
            (await tools.query?.(name, { where, orderBy, orderDir: 'asc', limit: 1, cursor })) as never,
          )
          found.push(...page.records.map(({ recordId }) => recordId))
          cursor = page.nextCursor
          if (cursor === null) return found
        }
        throw new Error('There is no last page')
      }
      for (const [nth, value] of exact.entries()) {
        expect(await ids({ value })).toEqual([`r${nth}`])
        expect(await ids({ value: { in: [value] } })).toEqual([`r${nth}`])
        expect((await ids({ NOT: { value } })).length).toBe(exact.length)
        expect(await ids({ list: { has: value } })).toEqual([`r${nth}`])
        expect((await ids({ NOT: { list: { has: value } } })).length).toBe(exact.length)
      }
      const inOrder = await ids(undefined, 'value')
      expect(inOrder.at(-1)).toBe('empty')
      expect([...inOrder].sort()).toEqual(['empty', ...exact.map((_, nth) => `r${nth}`)].sort())
      // How texts are sorted is for the database to say.
      if (typeof exact[0] !== 'string' || /^(?:pgenum|date|time|bit|numeric)/.test(name))
        expect(inOrder.slice(0, -1)).toEqual(exact.map((_, nth) => `r${nth}`))
      return null
    })
  })

  it('is the same over REST and tRPC', async () => {
    const { url, headers } = cabinet
    for (const value of exact) {
      if (!travels(value)) continue
      const post = async (path: string, body: unknown) => {
        const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: stringify(body) })
        return (await response.json()) as { result: { data: never } }
      }
      const rest = dataOf<Found>(await post(`/api/records/${name}`, { needed, value }))
      const input = SuperJSON.serialize({ data: { needed, value } })
      const trpc = await post(`/trpc/records.${name}.create`, input)
      const ids = [rest.recordId, dataOf<Found>(SuperJSON.deserialize(trpc.result.data)).recordId]
      for (const id of ids) {
        const overRest = await fetch(`${url}/api/records/${name}/${id}`, { headers })
        expect(dataOf<{ record: Found }>(await overRest.json()).record.data.value).toStrictEqual(json(value))
        const query = encodeURIComponent(JSON.stringify(SuperJSON.serialize({ recordId: id })))
        const overTrpc = await fetch(`${url}/trpc/records.${name}.get?input=${query}`, { headers })
        const answer = ((await overTrpc.json()) as { result: { data: never } }).result.data
        const { record } = dataOf<{ record: Found }>(SuperJSON.deserialize(answer))
        expect(record.data.value).toStrictEqual(value)
      }
      if (!isComparable) continue
      for (const [field, condition] of [
        ['value', value],
        ['list', { has: value }],
      ] as const) {
        const where = encodeURIComponent(stringify({ [field as string]: condition }))
        const listed = await fetch(`${url}/api/records/${name}?limit=1&where=${where}`, { headers })
        expect(dataOf<{ count: number }>(await listed.json()).count).toBeLessThanOrEqual(1)
      }
    }
  })

  it.each(
    (tried.sums ?? []).map(
      ([before, amount, after]) => [show(before), show(amount), before, amount, after] as const,
    ),
  )('%s and %s are added', async (_before, _amount, before, amount, after) => {
    const id = `sum-${Math.random()}`
    await cabinet.run(async (tools) => dataOf(await tools.create?.(name, { needed, value: before }, id)))
    const added = cabinet.run(async (tools) => dataOf(await tools.increment?.(name, id, { value: amount })))
    if (after === undefined) await expect(added).rejects.toThrow('A value is out of the range of its field.')
    else await added
    const read = await cabinet.run(async (tools) => dataOf<{ record: Found }>(await tools.get?.(name, id)))
    expect(read.record.data.value).toStrictEqual(after ?? before)
  })

  it('adds nothing that it cannot hold exactly', async () => {
    const amounts = tried.sums ? (tried.noAmounts ?? []) : [1]
    for (const amount of amounts) {
      const answer = await cabinet.run(async (tools) => tools.increment?.(name, 'none', { value: amount }))
      expect(answer, show(amount)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    }
  })

  it('shows what others have stored and no answer can carry as null, and says so', async () => {
    const stored = tried.unreadable ?? []
    const where = { recordId: { startsWith: 'beside-' } }
    await cabinet.run(async (tools) => {
      for (const nth of [...stored.keys(), 'fine'])
        dataOf(await tools.create?.(name, { needed }, `beside-${nth}`))
      return null
    })
    for (const [nth, text] of stored.entries())
      await cabinet.execute(`update "${name}" set "value" = ${text} where record_id = 'beside-${nth}'`)
    const page = await cabinet.run(async (tools) =>
      dataOf<{ records: Found[] }>(await tools.query?.(name, { where })),
    )
    const listed = await fetch(
      `${cabinet.url}/api/records/${name}?where=${encodeURIComponent(JSON.stringify(where))}`,
      {
        headers: cabinet.headers,
      },
    )
    const overRest = dataOf<{ records: Found[] }>(await listed.json())
    for (const records of [page.records, overRest.records]) {
      expect(records.length).toBe(stored.length + 1)
      for (const { recordId, data, unreadable } of records) {
        expect(data.value).toBeNull()
        expect(unreadable).toEqual(recordId === 'beside-fine' ? undefined : ['value'])
      }
    }
  })
})

describe.each(numbered)('$name', ({ name, tried }) => {
  it('is written by the database alone', async () => {
    const { records, refused } = await cabinet.run(async (tools) => {
      const records: unknown[] = []
      for (const _ of tried.numbered) {
        const { recordId } = dataOf<Found>(await tools.create?.(name, {}))
        const { record } = dataOf<{ record: Found }>(await tools.get?.(name, recordId))
        records.push(record.data.value)
      }
      const refused = [
        await tools.create?.(name, { value: tried.numbered[0] }),
        await tools.increment?.(name, 'any', { value: 1 }),
      ]
      return { records, refused }
    })
    expect(records).toStrictEqual(tried.numbered)
    for (const answer of refused) expect(answer).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  })
})
