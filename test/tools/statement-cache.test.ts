import { sql } from 'drizzle-orm'
import { integer, jsonb, numeric, text, timestamp } from 'drizzle-orm/pg-core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import { type Binding, setClause } from '../../server/tools/assignments.ts'
import { createCatalog } from '../../server/tools/catalog.ts'
import { names, values } from '../../server/tools/new-row.ts'
import { StatementCache } from '../../server/tools/statement-cache.ts'

const users = collection(
  'users',
  { name: text(), email: text(), imageUrl: text(), role: text() },
  { systemManaged: ['name', 'email', 'imageUrl', 'role'] },
)
const things = collection('things', {
  someText: text(),
  count: integer(),
  amount: numeric({ precision: 20, scale: 4 }),
  payload: jsonb(),
  tags: text().array(),
  at: timestamp({ withTimezone: true, precision: 3 }),
  // In code both are called `someText`: in the table, one is `some_text`.
  other: text('someText'),
})
const others = collection('others', { someText: text(), count: integer() })
const catalog = createCatalog({ users, things, others })

function entryOf(name: string) {
  const entry = catalog.get(name)
  if (!entry) throw new Error(`There is no ${name}`)
  return entry
}

const entry = entryOf('things')
const anyText = fc.string({ unit: 'binary' })
const instant = fc.date({ noInvalidDate: true })
const anyValue: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  someText: anyText,
  count: fc.oneof(fc.integer(), fc.constant(sql`1 + ${1}`)),
  amount: fc.bigInt().map(String),
  payload: fc.jsonValue(),
  tags: fc.array(anyText),
  at: instant,
  other: anyText,
}

const list: fc.Arbitrary<Binding[]> = fc.subarray(Object.keys(anyValue), { minLength: 1 }).chain((fields) =>
  fc.tuple(
    ...fields.map((field) =>
      fc.option(anyValue[field] ?? fc.constant(null)).map((value): Binding => {
        const column = entry.columns.get(field)
        if (!column) throw new Error(`There is no ${field}`)
        return { column, value }
      }),
    ),
  ),
)

const inserts = () =>
  new StatementCache(
    ({ table }, { list }) => sql`insert into ${table} (${names(list)}) values (${values(list)})`,
  )
const updates = () =>
  new StatementCache(
    (to, { list, recordId, now }) =>
      sql`update ${to.table} set ${setClause(to, list, now)} where id = ${recordId} and 'one' = ${'one'}`,
  )

describe('a statement whose text is kept', () => {
  it.each([
    ['an insert', inserts],
    ['an update', updates],
  ])('is the one that would be written anew: %s', (_what, create) => {
    const kept = create()
    fc.assert(
      fc.property(list, anyText, instant, (list, recordId, now) => {
        const given = { list, recordId, now }
        const anew = kept.write(entry, given)
        expect(kept.of(entry, given)).toEqual(anew)
        // Now its text is known.
        expect(kept.of(entry, given)).toEqual(anew)
      }),
      { numRuns: 500 },
    )
  })

  it('goes to the column that was meant, where two have the same name in code', () => {
    const kept = inserts()
    const insert = (field: string) => {
      const column = entry.columns.get(field)
      return kept.of(entry, { list: column ? [{ column, value: 'x' }] : [] }).sql
    }
    expect(insert('someText')).toBe('insert into "things" ("some_text") values ($1)')
    expect(insert('other')).toBe('insert into "things" ("someText") values ($1)')
  })

  it('is that of its own collection', () => {
    const kept = updates()
    const texts = [entry, entryOf('others')].map((to) => {
      const column = to.columns.get('count')
      const list = column ? [{ column, value: 3 }] : []
      return kept.of(to, { list, recordId: 'r', now: new Date(0) }).sql
    })
    expect(texts[0]).toContain('update "things"')
    expect(texts[1]).toContain('update "others"')
  })

  it('is still right when there are more shapes than are kept', () => {
    const kept = inserts()
    const columns = [...entry.columns.values()]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...columns), { minLength: 8, maxLength: 8 }), (several) => {
        const list = several.map((column) => ({ column, value: null }))
        expect(kept.of(entry, { list })).toEqual(kept.write(entry, { list }))
      }),
      { numRuns: 1_000 },
    )
  })

  it('refuses to be sent without a value that it says', () => {
    expect(() => updates().of(entry, { list: [], recordId: 'r' })).toThrow('needs the value of its now')
  })
})
