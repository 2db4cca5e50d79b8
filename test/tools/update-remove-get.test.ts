import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bench, dataOf, mint, openBench } from './workbench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

async function newSample(label = 'a'): Promise<string> {
  const id = mint()
  dataOf(await bench.run((tools) => tools.create('samples', { label }, id)))
  return id
}
const record = async (id: string) => dataOf(await bench.run((tools) => tools.get('samples', id))).record

describe('update', () => {
  it('writes the fields given, keeps the others and raises the version', async () => {
    const id = await newSample('kept')
    expect(dataOf(await bench.run((tools) => tools.update('samples', id, { note: 'n' }), 'bob'))).toEqual({
      recordId: id,
    })
    expect(await record(id)).toMatchObject({
      version: 2,
      createdBy: 'ada',
      data: { label: 'kept', note: 'n' },
    })
  })

  it('of a missing record is NOT_FOUND, creates nothing and leaves the attempt usable', async () => {
    const [missing, id] = [mint(), await newSample()]
    const refused = await bench.run(async (tools) => {
      const first = await tools.update('samples', missing, { label: 'x' })
      dataOf(await tools.update('samples', id, { note: 'after' }))
      return { success: true, data: first }
    })
    expect(dataOf(refused)).toEqual({
      success: false,
      code: 'NOT_FOUND',
      error: `"samples" has no record "${missing}".`,
    })
    expect(await bench.run((tools) => tools.get('samples', missing))).toMatchObject({ code: 'NOT_FOUND' })
    expect((await record(id)).data.note).toBe('after')
  })

  it('with an empty patch is BAD_REQUEST', async () => {
    const id = await newSample()
    expect(await bench.run((tools) => tools.update('samples', id, {}))).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      error: 'patch: must name at least one field',
    })
    expect((await record(id)).version).toBe(1)
  })

  it('with a fresh ifVersion writes, with a stale one is CONFLICT and leaves the attempt usable', async () => {
    const id = await newSample()
    dataOf(await bench.run((tools) => tools.update('samples', id, { note: 'one' }, { ifVersion: 1 })))
    const stale = await bench.run(async (tools) => {
      const first = await tools.update('samples', id, { note: 'two' }, { ifVersion: 1 })
      dataOf(await tools.update('samples', id, { score: 2 }, { ifVersion: 2 }))
      return { success: true, data: first }
    })
    expect(dataOf(stale)).toMatchObject({ success: false, code: 'CONFLICT' })
    expect(dataOf(stale).error).toContain('version 1')
    expect(await record(id)).toMatchObject({ version: 3, data: { note: 'one', score: 2 } })
  })

  it('with an ifVersion of a missing record is NOT_FOUND', async () => {
    const missing = await bench.run((tools) =>
      tools.update('samples', mint(), { note: 'x' }, { ifVersion: 1 }),
    )
    expect(missing).toMatchObject({ success: false, code: 'NOT_FOUND' })
  })

  it.each([
    ['0', { ifVersion: 0 }, 'ifVersion'],
    ['a fraction', { ifVersion: 1.5 }, 'ifVersion'],
    ['NaN', { ifVersion: Number.NaN }, 'ifVersion'],
    ['a string', { ifVersion: '1' }, 'ifVersion'],
    ['null', { ifVersion: null }, 'ifVersion'],
    ['beyond any version', { ifVersion: 2 ** 40 }, 'ifVersion'],
    ['misspelt', { ifversion: 1 }, 'ifversion'],
    ['not in an object', null, 'options'],
  ])('refuses an ifVersion that is %s', async (_what, options, named) => {
    const id = await newSample()
    expect(await bench.loose((tools) => tools.update('samples', id, { note: 'x' }, options))).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path: [named] }],
    })
    expect((await record(id)).version).toBe(1)
  })
})

describe('remove', () => {
  it('deletes once; the second time is NOT_FOUND, which leaves the attempt usable', async () => {
    const [id, other] = [await newSample(), await newSample()]
    expect(dataOf(await bench.run((tools) => tools.remove('samples', id)))).toEqual({ recordId: id })
    const again = await bench.run(async (tools) => {
      const second = await tools.remove('samples', id)
      dataOf(await tools.remove('samples', other))
      return { success: true, data: second }
    })
    expect(dataOf(again)).toMatchObject({ success: false, code: 'NOT_FOUND' })
    expect(await bench.run((tools) => tools.get('samples', other))).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('takes what refers to the record with it where the collection says so', async () => {
    const eventId = mint('event')
    const left = await bench.run(async (tools) => {
      const startsAt = new Date('2030-01-01T00:00:00Z')
      dataOf(await tools.create('events', { title: 't', startsAt, capacity: 5 }, eventId))
      dataOf(await tools.create('attendees', { eventId, attendeeId: 'bob' }))
      dataOf(await tools.remove('events', eventId))
      return tools.count('attendees', { eventId })
    })
    expect(dataOf(left)).toEqual({ count: 0 })
  })
})

describe('get', () => {
  it('sees what the same attempt has written', async () => {
    const id = mint()
    const seen = await bench.run(async (tools) => {
      dataOf(await tools.create('samples', { label: 'fresh' }, id))
      return tools.get('samples', id)
    })
    expect(dataOf(seen).record).toMatchObject({ recordId: id, data: { label: 'fresh' } })
  })

  it('takes an id that other languages would escape literally', async () => {
    const id = `'; drop table samples; -- %_\\ ${mint()} ∑`
    dataOf(await bench.run((tools) => tools.create('samples', { label: 'odd' }, id)))
    expect((await record(id)).recordId).toBe(id)
  })
})

describe('a collection that does not exist', () => {
  const verbs = [
    'create',
    'update',
    'remove',
    'get',
    'query',
    'count',
    'updateWhere',
    'deleteWhere',
    'increment',
  ] as const
  const names = [
    'nothing',
    '__proto__',
    'constructor',
    'toString',
    'Events',
    'events ',
    'pg_class',
    'drizzle',
  ]
  it.each(verbs)('is NOT_FOUND for %s, by any spelling', async (verb) => {
    for (const name of names) {
      expect(await bench.loose((tools) => tools[verb](name, {}, {})), name).toMatchObject({
        success: false,
        code: 'NOT_FOUND',
      })
    }
  })
})
