import { getPgColumnBuilders } from 'drizzle-orm/pg-core/columns/all'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ActionResult } from '../../server/core/result.ts'
import { stringify } from '../../server/wire/to-json.ts'
import { type Cabinet, kept, numbered, openCabinet, travels } from './cabinet.ts'
import { type Refused, TABLE } from './table.ts'
import {
  type Found,
  type FoundPage,
  isJson,
  type ListOptions,
  overRest,
  overTrpc,
  type Transport,
} from './transports.ts'

let cabinet: Cabinet
beforeAll(async () => {
  cabinet = await openCabinet()
})
afterAll(() => cabinet[Symbol.asyncDispose]())

const TRANSPORTS = [
  ['REST', overRest],
  ['tRPC', overTrpc],
] as const

function dataOf<T>(result: ActionResult<T> | undefined): T {
  if (!result?.success) throw new Error(`${result?.code}: ${result?.error}`)
  return result.data
}

const show = (value: unknown) =>
  typeof value === 'bigint' ? `${value}n` : (stringify(value) ?? String(value))

async function getData({ get }: Transport, name: string, id: string) {
  const { record } = dataOf(await get(name, id))
  expect(record).not.toHaveProperty('unreadable')
  return record.data
}

/** All pages of a list. */
async function listed({ list }: Transport, name: string, options: ListOptions): Promise<readonly Found[]> {
  const found: Found[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < 60; pages += 1) {
    const page: FoundPage = dataOf(await list(name, { limit: 100, ...options, cursor }))
    found.push(...page.records)
    cursor = page.nextCursor
    if (cursor === null) return found
  }
  throw new Error('There is no last page')
}

let minted = 0
const mint = () => {
  minted += 1
  return `set${minted}`
}

describe('every builder of Drizzle', () => {
  it.each(Object.keys(getPgColumnBuilders()))('%s is tried on every transport, or refused', (builder) => {
    const tried = [...kept, ...numbered].filter((drawer) => drawer.builder === builder)
    const refused = (TABLE[builder] ?? []).filter((each) => typeof (each as Refused).refused === 'string')
    expect(tried.length + refused.length).toBeGreaterThan(0)
    expect(tried.length + refused.length).toBe(TABLE[builder]?.length)
  })
})

describe.each(TRANSPORTS)('over %s', (_transport, open) => {
  describe.each(kept)('$name', ({ name, tried }) => {
    const { exact, isComparable = true, same = [], hasNoDefault = false } = tried
    const sent = exact.filter(travels)
    const needed = sent[0]
    /** Whether what is refused in process is text that is read as a value. */
    const isSpelt = (value: unknown) =>
      typeof exact[0] === 'bigint' && /^-?\d+$/.test(String(value)) && typeof value === 'string'

    it('create, merge and update store what get reads, defaults and lists included', async () => {
      const transport = open(cabinet)
      const { create, merge, update, said, spellings } = transport
      const pairs = [
        ...sent.flatMap((value) => spellings(value).map((given) => [given, value] as const)),
        ...same,
      ]
      const empty = {
        value: null,
        needed: said(needed),
        list: null,
        made: said(exact.at(-1)),
        ...(hasNoDefault ? {} : { preset: said(exact[0]) }),
      }
      for (const [given, back] of pairs) {
        const { recordId } = dataOf(await create(name, { needed, value: given, list: [given, given] }))
        const full = { ...empty, value: said(back), list: [said(back), said(back)] }
        expect(await getData(transport, name, recordId)).toStrictEqual(full)

        dataOf(await update(name, recordId, { value: null, needed: given, made: given, list: [] }))
        const other = { ...empty, needed: said(back), made: said(back), list: [] }
        expect(await getData(transport, name, recordId)).toStrictEqual(other)
        dataOf(await merge(name, { value: given, list: [given] }, recordId))
        const merged = { ...other, value: said(back), list: [said(back)] }
        expect(await getData(transport, name, recordId)).toStrictEqual(merged)
      }
      const fresh = mint()
      dataOf(await merge(name, { needed }, fresh))
      expect(await getData(transport, name, fresh)).toStrictEqual(empty)
      dataOf(await update(name, fresh, { value: needed }))
      expect(await getData(transport, name, fresh)).toStrictEqual({ ...empty, value: said(needed) })
      const { recordId } = dataOf(await create(name, { needed, list: sent }))
      expect((await getData(transport, name, recordId)).list).toStrictEqual(sent.map(said))
    })

    it('what is refused changes nothing', async () => {
      const transport = open(cabinet)
      const { create, update, said } = transport
      const { recordId } = dataOf(await create(name, { needed, value: needed }))
      const lost = exact.filter((value) => !travels(value) && isJson(value))
      const refused = tried.refused.filter((value) => isJson(value) && !isSpelt(value))
      for (const value of [...refused, ...lost]) {
        const answers = [
          await create(name, { needed, value }),
          await update(name, recordId, { list: [value] }),
        ]
        for (const answer of answers)
          expect(answer, show(value)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
      }
      const data = await getData(transport, name, recordId)
      expect(data).toMatchObject({ value: said(needed), list: null })
    })

    it('where, has, the order and its pages find the same values', async () => {
      const transport = open(cabinet)
      const { list, said, spellings } = transport
      const set = mint()
      // Some values come by way of the tools alone, but are read by everybody.
      await cabinet.run(async (tools) => {
        for (const [nth, value] of exact.entries())
          dataOf(await tools.create?.(name, { needed, value, list: [value, needed] }, `${set}-${nth}`))
        return dataOf(await tools.create?.(name, { needed }, `${set}-empty`))
      })
      const rows = [
        ...exact.map((value, nth) => ({ id: `${set}-${nth}`, value: said(value) })),
        { id: `${set}-empty`, value: null },
      ]
      const find = async (condition: object, options: ListOptions = {}) => {
        const where = { recordId: { startsWith: `${set}-` }, ...condition }
        const records = await listed(transport, name, {
          orderBy: 'recordId',
          orderDir: 'asc',
          ...options,
          where,
        })
        return records.map(({ recordId, data }) => ({ id: recordId, value: data.value }))
      }
      const byId = (some: typeof rows) => [...some].sort((one, other) => (one.id < other.id ? -1 : 1))
      expect(await find({})).toStrictEqual(byId(rows))
      expect(await find({ value: null })).toStrictEqual(rows.slice(-1))
      expect(await find({ value: { isNull: false } })).toStrictEqual(byId(rows.slice(0, -1)))
      if (!isComparable) {
        for (const options of [{ where: { value: { eq: needed } } }, { orderBy: 'value' }])
          expect(await list(name, options)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
        return
      }
      for (const [nth, value] of exact.entries()) {
        const row = rows.slice(nth, nth + 1)
        const others = byId(rows.filter((_, at) => at !== nth))
        if (!travels(value)) {
          const answer = await list(name, { where: { value } })
          if (isJson(value)) expect(answer).toMatchObject({ success: false, code: 'BAD_REQUEST' })
          continue
        }
        expect(await find({ value })).toStrictEqual(row)
        expect(await find({ OR: [{ value: { in: spellings(value) } }] })).toStrictEqual(row)
        expect(await find({ NOT: { value: { in: [value] } } })).toStrictEqual(others)
        expect(await find({ value: { ne: value } })).toStrictEqual(others)
        expect(await find({ value: { gte: value, lte: value } })).toStrictEqual(row)
        const has = value === needed ? byId(rows.slice(0, -1)) : row
        for (const each of spellings(value)) expect(await find({ list: { has: each } })).toStrictEqual(has)
      }
      const ascending = await find({}, { orderBy: 'value', limit: 2 })
      // How texts are sorted is for the database to say.
      const isText = typeof exact[0] === 'string' && !/^(?:pgenum|date|time|bit|numeric)/.test(name)
      if (isText) expect(byId(ascending)).toStrictEqual(byId(rows))
      else expect(ascending).toStrictEqual(rows)
      const descending = await find({}, { orderBy: 'value', orderDir: 'desc', limit: 3 })
      expect(descending).toStrictEqual([...ascending].reverse())
      const filled = ascending.slice(0, -1)
      for (const [nth, { id }] of filled.entries()) {
        const value = exact[Number(id.split('-')[1])]
        if (!travels(value)) continue
        expect(await find({ value: { lt: value } }, { orderBy: 'value' })).toStrictEqual(filled.slice(0, nth))
        expect(await find({ value: { gt: value } }, { orderBy: 'value' })).toStrictEqual(
          filled.slice(nth + 1),
        )
      }
    })

    it('pages go past what no answer can carry', async () => {
      const stored = tried.unreadable ?? []
      if (!isComparable || stored.length === 0) return
      const transport = open(cabinet)
      const set = mint()
      const ids = [...stored.keys(), 'fine', 'last'].map((nth) => `${set}-${nth}`)
      for (const id of ids) dataOf(await transport.merge(name, { needed, value: needed }, id))
      for (const [nth, text] of stored.entries())
        await cabinet.execute(`update "${name}" set "value" = ${text} where record_id = '${ids[nth]}'`)
      for (const orderDir of ['asc', 'desc'] as const) {
        const where = { recordId: { in: ids } }
        const records = await listed(transport, name, { where, orderBy: 'value', orderDir, limit: 1 })
        expect(records.map(({ recordId }) => recordId).sort()).toEqual([...ids].sort())
        for (const { recordId, data, unreadable } of records) {
          const isFine = ids.slice(-2).includes(recordId)
          expect(data.value).toStrictEqual(isFine ? transport.said(needed) : null)
          expect(unreadable).toEqual(isFine ? undefined : ['value'])
        }
      }
    })

    it('an action adds', async () => {
      const transport = open(cabinet)
      for (const [before, amount, after] of tried.sums ?? []) {
        if (!travels(amount)) continue
        const id = mint()
        await cabinet.run(async (tools) => dataOf(await tools.create?.(name, { needed, value: before }, id)))
        const answer = await transport.increment(name, id, amount)
        if (after === undefined) expect(answer).toMatchObject({ success: false, code: 'BAD_REQUEST' })
        else dataOf(answer)
        expect((await getData(transport, name, id)).value).toStrictEqual(transport.said(after ?? before))
      }
      const amounts = tried.sums
        ? (tried.noAmounts ?? []).filter((amount) => amount !== null && isJson(amount))
        : [1]
      for (const amount of amounts) {
        const answer = await transport.increment(name, 'none', amount)
        expect(answer, show(amount)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
      }
    })
  })

  describe.each(numbered)('$name', ({ name, tried }) => {
    it('is written by the database alone, and found and sorted by what it wrote', async () => {
      const transport = open(cabinet)
      const { create, update, increment, said } = transport
      const made: string[] = []
      for (const _ of tried.numbered) made.push(dataOf(await create(name, {})).recordId)
      const values: unknown[] = []
      for (const id of made) values.push((await getData(transport, name, id)).value)
      for (const value of values) expect(typeof value).toBe(typeof said(tried.numbered[0]))
      const where = { recordId: { in: made } }
      const up = await listed(transport, name, { where, orderBy: 'value', orderDir: 'asc', limit: 1 })
      expect(up.map(({ data }) => data.value)).toStrictEqual(values)
      for (const value of values) {
        const found = await listed(transport, name, { where: { ...where, value } })
        expect(found.length).toBe(values.filter((other) => other === value).length)
        for (const { data } of found) expect(data.value).toStrictEqual(value)
      }
      const refused = [
        await create(name, { value: tried.numbered[0] }),
        await update(name, made[0] ?? '', { value: tried.numbered[0] }),
        await increment(name, made[0] ?? '', tried.numbered[0]),
      ]
      for (const answer of refused) expect(answer).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    })
  })
})
