import { describe, expect, it } from 'vitest'
import { applyToPage, applyToRecord, type Change, type ListInput } from '../../client/react/apply-changes.ts'

const AT = new Date('2030-01-01T00:00:00Z')

function record(recordId: string, data: object, createdAt = new Date('2029-01-01T00:00:00Z')) {
  return { recordId, data, createdBy: 'ada', createdAt, updatedAt: createdAt, version: 1 }
}

function page(...records: readonly ReturnType<typeof record>[]) {
  return { records, count: records.length, nextCursor: 'next' }
}

let made = 0
function change(verb: Change['verb'], input: Change['input']): Change {
  made += 1
  return { id: `change-${made}`, verb, input, by: 'ada', at: AT }
}

const idsOf = (changes: readonly Change[], list: ListInput, shown = LIST) =>
  applyToPage(shown, changes, list).records.map(({ recordId }) => recordId)

const LIST = page(record('b', { title: 'b', size: 2 }), record('d', { title: 'd', size: null }))

describe('a page', () => {
  it('is the very same without a change of it', () => {
    expect(applyToPage(LIST, [], {})).toBe(LIST)
    expect(applyToPage(LIST, [change('update', { recordId: 'x', patch: { title: 'y' } })], {})).toBe(LIST)
    expect(applyToPage(LIST, [change('remove', { recordId: 'x' })], {})).toBe(LIST)
  })

  it('shows changes in their order, and leaves the answer as it is', () => {
    const changes = [
      change('update', { recordId: 'b', patch: { title: 'x' } }),
      change('update', { recordId: 'b', patch: { size: 3 } }),
      change('create', { recordId: 'd', data: { title: 'merged' } }),
    ]
    const shown = applyToPage(LIST, changes, {})
    expect(shown.records.map(({ data }) => data)).toEqual([
      { title: 'x', size: 3 },
      { title: 'merged', size: null },
    ])
    expect(LIST.records.map(({ data }) => data)).toEqual([
      { title: 'b', size: 2 },
      { title: 'd', size: null },
    ])
    expect(shown).toMatchObject({ count: 2, nextCursor: 'next' })
  })

  it('loses what is removed, and what no longer meets its condition', () => {
    expect(idsOf([change('remove', { recordId: 'b' })], {})).toEqual(['d'])
    const renamed = change('update', { recordId: 'b', patch: { title: 'x' } })
    expect(idsOf([renamed], { where: { title: 'b' } })).toEqual(['d'])
    expect(idsOf([renamed], { where: { size: { gte: 2 } } })).toEqual(['b', 'd'])
  })
})

describe('a new record', () => {
  const created = change('create', { data: { title: 'c', size: 2 } })
  const id = `new:${created.id}`

  it.each<[string, ListInput, readonly string[]]>([
    ['the newest first', {}, [id, 'b', 'd']],
    ['the oldest first', { orderDir: 'asc' }, ['b', 'd', id]],
    ['by a field', { orderBy: 'title', orderDir: 'asc' }, ['b', id, 'd']],
    ['by a field, backwards', { orderBy: 'title' }, [id, 'b', 'd']],
    ['where it meets the condition', { where: { title: 'c', size: 2, createdBy: 'ada' } }, [id, 'b', 'd']],
    ['where it does not', { where: { title: 'b' } }, ['b', 'd']],
    ['where another makes it', { where: { createdBy: 'bob' } }, ['b', 'd']],
    ['where only the server can tell', { where: { size: { gt: 1 } } }, ['b', 'd']],
    ['where a field is not given', { where: { summary: null } }, ['b', 'd']],
    ['on a later page', { cursor: 'next' }, ['b', 'd']],
  ])('comes into a list with %s', (_title, list, ids) => {
    expect(idsOf([created], list)).toEqual(ids)
  })

  it('has the version of what is not there yet, and whoever makes it', () => {
    const [first] = applyToPage(LIST, [created], {}).records
    expect(first).toMatchObject({ version: 0, createdBy: 'ada', createdAt: AT, data: { title: 'c' } })
    const [unknown] = applyToPage(LIST, [{ ...created, by: undefined }], {}).records
    expect(unknown?.createdBy).toBeNull()
    expect(idsOf([{ ...created, by: undefined }], { where: { createdBy: 'ada' } })).toEqual(['b', 'd'])
  })

  it('has its own id where it is given one, and compares dates by their time', () => {
    const dated = change('create', { recordId: 'own', data: { at: new Date(AT) } })
    expect(idsOf([dated], { where: { at: new Date(AT) } })).toEqual(['own', 'b', 'd'])
  })
})

it('a record shows its changes, is shown until it is gone, and is the very same without', () => {
  const one = record('b', { title: 'b' })
  expect(applyToRecord(one, [change('update', { recordId: 'b', patch: { title: 'x' } })]).data).toEqual({
    title: 'x',
  })
  expect(applyToRecord(one, [change('remove', { recordId: 'b' })])).toBe(one)
  expect(applyToRecord(one, [change('update', { recordId: 'c', patch: { title: 'x' } })])).toBe(one)
})
