import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeRecordCursor, encodeRecordCursor } from '../../server/tools/cursor.ts'
import { HIDDEN, type Notes, openNotes } from './hidden.ts'

let app: Notes
beforeAll(async () => {
  app = await openNotes()
})
afterAll(() => app[Symbol.asyncDispose]())

/** Two values of every hidden field, as SQL. */
const VALUES: Record<(typeof HIDDEN)[number], readonly [string, string]> = {
  secret: [`'a'`, `'z'`],
  rank: ['1', 'null::int'],
  flagged: ['true', 'false'],
  due: [`'2030-01-01'::timestamptz`, `'2031-01-01'::timestamptz`],
  extra: [`'{"a":1}'::jsonb`, `'[]'::jsonb`],
  tags: [`'{a}'::text[]`, 'null::text[]'],
  coupon: [`'coupon-a'`, `'coupon-z'`],
}

/** The loose side of the API: what the compiler would refuse. */
type Loose = Record<string, (input?: unknown) => Promise<Record<string, unknown>>>
const notesOf = async (user: string) => (await app.as(user)).records.notes as unknown as Loose

async function call(user: string, verb: string, input?: unknown) {
  const run = (await notesOf(user))[verb]
  if (!run) throw new Error(`There is no ${verb}`)
  return run(input)
}

function without(result: unknown, ...names: readonly string[]) {
  return names.reduce((text, name) => text.replaceAll(name, 'NAME'), JSON.stringify(result))
}

describe.each(HIDDEN)('the hidden field "%s"', (field) => {
  it('is not in what is read, and changes nothing of it', async () => {
    const seen: string[] = []
    for (const [at, value] of VALUES[field].entries()) {
      const user = `reader-${field}~${at}`
      await app.execute(`
        insert into notes (record_id, created_by, owner_id, title, created_at, updated_at, ${field})
        select 'n-${field}~${at}-' || n, null, '${user}', 'title ' || n, '2030-01-01', '2030-01-01',
          case when n = 2 then ${value} end from generate_series(1, 3) n`)
      const recordId = `n-${field}~${at}-2`
      const answers = [
        await call(user, 'get', { recordId }),
        await call(user, 'list', {}),
        await call(user, 'list', { orderBy: 'title', orderDir: 'asc', limit: 2 }),
        await call(user, 'list', { where: { NOT: { title: 'title 1' } } }),
        await call(user, 'count', {}),
      ]
      for (const answer of answers) expect(answer).toMatchObject({ success: true })
      // The cursors differ by their reader.
      const shown = without(answers, `~${at}`).replaceAll(/"nextCursor":"[^"]*"/g, '')
      expect(shown).not.toContain(`"${field}"`)
      seen.push(shown)
    }
    expect(seen[0]).toBe(seen[1])
  })

  it('is refused wherever it is named, as a field that there is not', async () => {
    const operators = [{ isNull: true }, { eq: null }, { ne: 1 }, { in: [] }, { has: 'a' }, null, 'a', 1]
    const wheres = operators.flatMap((operand) => {
      const condition = (name: string) => ({ [name]: operand })
      return [
        condition,
        (name: string) => ({ NOT: condition(name) }),
        (name: string) => ({ OR: [{ title: 'x' }, condition(name)] }),
        (name: string) => ({ AND: [{ NOT: { OR: [condition(name)] } }] }),
      ]
    })
    for (const where of wheres) {
      for (const verb of ['list', 'count']) {
        const refused = await call('ada', verb, { where: where(field) })
        expect(refused).toMatchObject({ code: 'BAD_REQUEST' })
        const unknown = await call('ada', verb, { where: where('nothing') })
        expect(without(refused, field)).toBe(without(unknown, 'nothing'))
      }
    }
    const ordered = await call('ada', 'list', { orderBy: field })
    expect(ordered).toMatchObject({ code: 'BAD_REQUEST' })
    expect(without(ordered, field)).toBe(
      without(await call('ada', 'list', { orderBy: 'nothing' }), 'nothing'),
    )
  })

  it('is not reached by a cursor', async () => {
    await app.execute(`insert into notes (record_id, owner_id, title)
      select 'c-${field}-' || n, 'cursor-${field}', 'title' from generate_series(1, 3) n`)
    const page = await call(`cursor-${field}`, 'list', { orderBy: 'title', limit: 1 })
    const { nextCursor } = page.data as { nextCursor: string }
    const query = {
      collection: 'notes',
      orderDir: 'desc',
      where: undefined,
      reader: `user:cursor-${field}`,
    } as const
    const position = decodeRecordCursor({ ...query, orderBy: 'title' }, nextCursor)
    if (!position) throw new Error('A page has another cursor than those that are forged')
    const forged = encodeRecordCursor({ ...query, orderBy: field }, position)
    for (const options of [
      { orderBy: field, cursor: forged },
      { orderBy: 'title', cursor: forged },
      { orderBy: 'title', cursor: nextCursor, where: { [field]: { isNull: true } } },
    ])
      expect(await call(`cursor-${field}`, 'list', options)).toMatchObject({ code: 'BAD_REQUEST' })
    // What belongs to one reader belongs to no other.
    expect(await call('eve', 'list', { orderBy: 'title', limit: 1, cursor: nextCursor })).toMatchObject({
      code: 'BAD_REQUEST',
    })
  })
})

describe('a unique value that is taken', () => {
  const SENTENCE =
    'Another record of "notes" has the same recordId or value of a unique field, or excludes these values.'

  it('is named where the record that has it can be read', async () => {
    const data = { title: 't', ownerId: 'ada', slug: 'mine' }
    expect(await call('ada', 'create', { data })).toMatchObject({ success: true })
    expect(await call('ada', 'create', { data })).toMatchObject({
      code: 'CONFLICT',
      error: 'Another record of "notes" has the same "slug"; values must be unique.',
    })
  })

  it('is not named where it is another’s, or the field is hidden', async () => {
    const mine = { title: 't', ownerId: 'bob' }
    expect(await call('ada', 'create', { data: { title: 't', ownerId: 'ada', slug: 's' } })).toMatchObject({
      success: true,
    })
    expect(await call('bob', 'create', { data: { ...mine, slug: 's' } })).toMatchObject({
      code: 'CONFLICT',
      error: SENTENCE,
    })
    const coded = { title: 't', ownerId: 'ada', coupon: 'c' }
    expect(await call('ada', 'create', { data: coded })).toMatchObject({ success: true })
    for (const data of [coded, { ...mine, coupon: 'c' }])
      expect(await call(data.ownerId, 'create', { data })).toMatchObject({
        code: 'CONFLICT',
        error: SENTENCE,
      })
  })

  it('is not named by an update', async () => {
    for (const [recordId, slug, coupon] of [
      ['u-1', 'u-slug', 'u-coupon'],
      ['u-2', undefined, undefined],
    ] as const) {
      const data = { title: 't', ownerId: 'cyd', ...(slug ? { slug, coupon } : {}) }
      expect(await call('cyd', 'create', { recordId, data })).toMatchObject({ success: true })
    }
    const patches = [{ slug: 'u-slug' }, { coupon: 'u-coupon' }]
    const answers = await Promise.all(
      patches.map(async (patch) => without(await call('cyd', 'update', { recordId: 'u-2', patch }))),
    )
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toContain('"code":"CONFLICT"')
    expect(answers[0]).not.toMatch(/slug|coupon|notes_/)
  })
})

describe('the id of a record that one may not read', () => {
  it('is answered as a free one is, but where a free one would have been taken', async () => {
    await call('olga', 'create', { recordId: 'taken', data: { title: 'hers', ownerId: 'olga' } })
    const bodies = [
      { ownerId: 'eve' }, // Not enough to create a record.
      { title: 't', ownerId: 'olga' }, // One that eve may not create.
      { title: 't', ownerId: 'eve', status: 'x' }, // A field that she may not write.
      { title: 't', ownerId: 'eve', secret: 'x' }, // A field that she does not know.
    ]
    for (const data of bodies) {
      const taken = await call('eve', 'create', { recordId: 'taken', data })
      expect(without(taken, 'taken')).toBe(
        without(await call('eve', 'create', { recordId: 'free', data }), 'free'),
      )
      expect(taken).toMatchObject({ success: false })
    }
    expect(await call('eve', 'create', { recordId: 'taken', data: { title: 't', ownerId: 'eve' } })).toEqual({
      success: false,
      code: 'CONFLICT',
      error:
        'Another record of "notes" has the same recordId or value of a unique field, or excludes these values.',
    })
    expect(await call('olga', 'get', { recordId: 'taken' })).toMatchObject({
      data: { record: { version: 1, data: { title: 'hers' } } },
    })
  })

  it('is missing for every verb, and in the very words of a missing one', async () => {
    await call('olga', 'create', { recordId: 'hers', data: { title: 'hers', ownerId: 'olga' } })
    for (const [verb, more] of [
      ['get', {}],
      ['update', { patch: { title: 'x' } }],
      ['update', { patch: { ownerId: 'eve' }, ifVersion: 1 }],
      ['update', { patch: { title: 'x' }, ifVersion: 99 }],
      ['remove', {}],
    ] as const) {
      const answer = await call('eve', verb, { recordId: 'hers', ...more })
      expect(answer).toMatchObject({ code: 'NOT_FOUND' })
      expect(without(answer, 'hers')).toBe(
        without(await call('eve', verb, { recordId: 'gone', ...more }), 'gone'),
      )
    }
  })
})
