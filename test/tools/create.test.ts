import { fail } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bench, dataOf, mint, openBench } from './workbench.ts'

const START = new Date('2030-01-01T12:00:00.123Z')
let now = START
let bench: Bench
beforeAll(async () => {
  bench = await openBench({ clock: () => now })
})
afterAll(() => bench[Symbol.asyncDispose]())

const record = async (id: string) => dataOf(await bench.run((tools) => tools.get('samples', id))).record
const exists = async (label: string) =>
  dataOf(await bench.run((tools) => tools.count('samples', { label }))).count > 0

describe('create without an id', () => {
  it('mints a UUIDv7 and fills the system fields', async () => {
    const label = mint('label')
    const { recordId } = dataOf(await bench.run((tools) => tools.create('samples', { label }), 'bob'))
    expect(recordId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const { data, ...system } = await record(recordId)
    expect(system).toEqual({ recordId, createdBy: 'bob', createdAt: START, updatedAt: START, version: 1 })
    expect(Object.keys(data)).not.toContain('createdBy')
    expect(data).toMatchObject({ label, note: null, slug: 'made by the default' })
  })

  it('names a required field that is missing and leaves the attempt usable', async () => {
    const label = mint('label')
    const failure = await bench.run(async (tools) => {
      const refused = await tools.create('samples', {} as { label: string })
      dataOf(await tools.create('samples', { label }))
      return { success: true, data: refused }
    })
    expect(dataOf(failure)).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      error: 'data.label: is required',
      issues: [{ path: ['data', 'label'], message: 'is required' }],
    })
    expect(await exists(label)).toBe(true)
  })
})

describe('create with an id', () => {
  it('inserts what is absent', async () => {
    const id = mint()
    expect(dataOf(await bench.run((tools) => tools.create('samples', { label: 'a' }, id)))).toEqual({
      recordId: id,
    })
    expect(await record(id)).toMatchObject({ version: 1, createdBy: 'ada', data: { label: 'a' } })
  })

  it('merges into what is there: required fields, defaults and the creator are kept', async () => {
    const id = mint()
    await bench.run((tools) => tools.create('samples', { label: 'a', note: 'n', slug: 'own' }, id), 'bob')
    now = new Date(START.getTime() + 1_000)
    dataOf(await bench.run((tools) => tools.create('samples', { score: 7 }, id), 'cyd'))
    const merged = await record(id)
    now = START
    expect(merged).toMatchObject({
      createdBy: 'bob',
      createdAt: START,
      updatedAt: new Date(START.getTime() + 1_000),
      version: 2,
      data: { label: 'a', note: 'n', slug: 'own', score: 7 },
    })
  })

  it('never moves updatedAt back when a call started earlier than the last write', async () => {
    const id = mint()
    await bench.run((tools) => tools.create('samples', { label: 'a' }, id))
    now = new Date(START.getTime() - 60_000)
    await bench.run((tools) => tools.create('samples', { note: 'late' }, id))
    now = START
    expect(await record(id)).toMatchObject({ updatedAt: START, version: 2, data: { note: 'late' } })
  })

  it('empties a nullable field that is given as null and keeps one that is left out', async () => {
    const id = mint()
    await bench.run((tools) => tools.create('samples', { label: 'a', note: 'n', score: 1 }, id))
    dataOf(await bench.run((tools) => tools.create('samples', { note: null }, id)))
    expect((await record(id)).data).toMatchObject({ note: null, score: 1 })
  })

  it('names the required fields of a record that does not exist yet and leaves the attempt usable', async () => {
    const [id, label] = [mint(), mint('label')]
    const refused = await bench.run(async (tools) => {
      const first = await tools.create('samples', { note: 'n' }, id)
      dataOf(await tools.create('samples', { label }))
      return { success: true, data: first }
    })
    expect(dataOf(refused)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect(dataOf(refused).error).toContain('needs label')
    expect(await exists(label)).toBe(true)
  })

  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(256)],
    ['with NUL', 'a\0b'],
    ['with a lone surrogate', 'a\ud800'],
    ['with a line feed', 'a\nb'],
    ['a number', 7],
    ['null', null],
  ])('refuses an id that is %s', async (_what, id) => {
    expect(await bench.loose((tools) => tools.create('samples', { label: 'a' }, id))).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path: ['recordId'] }],
    })
  })
})

describe('a unique value that is taken', () => {
  it.each([
    ['a unique column', 'shortCode', { shortCode: 'taken' }],
    ['a unique index on a renamed column', 'mail', { mail: 'taken@example.com' }],
  ])(
    'is a CONFLICT that names the field of %s, and the attempt commits the rest',
    async (_what, field, unique) => {
      const [first, label] = [mint(), mint('label')]
      dataOf(await bench.run((tools) => tools.create('samples', { label: 'a', ...unique }, first)))
      const outcome = await bench.run(async (tools) => {
        const refused = [
          await tools.create('samples', { label: 'b', ...unique }),
          await tools.create('samples', { label: 'b', ...unique }, mint()),
        ]
        dataOf(await tools.create('samples', { label }))
        return { success: true, data: refused }
      })
      const sentence = `Another record of "samples" has the same "${field}"; values must be unique.`
      const conflict = { success: false, code: 'CONFLICT', error: sentence }
      expect(dataOf(outcome)).toEqual([conflict, conflict])
      expect(await exists(label)).toBe(true)
      await bench.run((tools) => tools.remove('samples', first))
    },
  )

  it('names every field of a constraint over several', async () => {
    const eventId = mint('event')
    const again = await bench.run(async (tools) => {
      dataOf(await tools.create('events', { title: 'Launch', startsAt: START, capacity: 5 }, eventId))
      dataOf(await tools.create('attendees', { eventId, attendeeId: 'bob' }))
      return tools.create('attendees', { eventId, attendeeId: 'bob' })
    })
    expect(again).toMatchObject({ success: false, code: 'CONFLICT' })
    expect(again.error).toContain('the same "eventId" and "attendeeId"')
  })

  it('is a CONFLICT that names the field on update too, where it ends the attempt', async () => {
    const [first, second] = [mint(), mint()]
    await bench.run(async (tools) => {
      await tools.create('samples', { label: 'a', mail: 'one@example.com' }, first)
      return tools.create('samples', { label: 'b' }, second)
    })
    const outcome = await bench.run(async (tools) => {
      await tools.update('samples', second, { mail: 'one@example.com' })
      return tools.update('samples', second, { note: 'after' })
    })
    expect(outcome).toMatchObject({ success: false, code: 'CONFLICT' })
    expect(outcome.error).toContain('"mail" of "samples"')
    expect((await record(second)).data.note).toBeNull()
  })
})

it('rolls a creation back when the action returns a failure', async () => {
  const label = mint('label')
  const outcome = await bench.run(async (tools) => {
    dataOf(await tools.create('samples', { label }))
    return fail('CONFLICT', 'No.')
  })
  expect(outcome).toEqual({ success: false, code: 'CONFLICT', error: 'No.' })
  expect(await exists(label)).toBe(false)
})
