import { and, eq, type SQL, sql } from 'drizzle-orm'
import {
  alias,
  bigint,
  boolean,
  customType,
  date,
  doublePrecision,
  integer,
  jsonb,
  numeric,
  PgDialect,
  pgEnum,
  pgSchema,
  pgTable,
  text,
  timestamp,
  varchar,
} from 'drizzle-orm/pg-core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toStatement } from '../../server/db/statement.ts'

const dialect = new PgDialect({ casing: 'snake_case' })

/** What Drizzle itself makes of it. */
function built(statement: SQL) {
  const { sql, params } = dialect.sqlToQuery(statement)
  return { sql, params }
}

const mood = pgEnum('mood', ['glad', 'sad'])
/** Encodes its values as SQL. */
const upper = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  toDriver: (value) => sql`upper(${value})` as SQL<string>,
})

const things = pgTable('things', {
  someText: text(),
  shortCode: varchar({ length: 5 }),
  wholeNumber: integer(),
  ratio: doublePrecision(),
  big: bigint({ mode: 'bigint' }),
  amount: numeric({ precision: 40, scale: 10 }),
  payload: jsonb(),
  tags: text().array(),
  flag: boolean(),
  at: timestamp({ withTimezone: true, precision: 3 }),
  day: date({ mode: 'date' }),
  feeling: mood(),
  loud: upper(),
  quoted: text('a "name"'),
})
const elsewhere = pgSchema('other "schema"').table('far_things', { someText: text() })

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom('"', "'", '$', '1'), fc.string({ unit: 'binary' })),
})
const instant = fc.date({ noInvalidDate: true })
const values = {
  someText: anyText,
  shortCode: anyText,
  wholeNumber: fc.integer(),
  ratio: fc.double(),
  big: fc.bigInt(),
  amount: fc.bigInt().map(String),
  payload: fc.jsonValue(),
  tags: fc.array(anyText),
  flag: fc.boolean(),
  at: instant,
  day: instant,
  feeling: fc.constantFrom('glad', 'sad'),
  loud: anyText,
  quoted: anyText,
} satisfies Record<keyof typeof things.$inferSelect, fc.Arbitrary<unknown>>

const fields = Object.keys(values) as (keyof typeof values)[]

/** `"things"."field" = value`, for any field and a value that it may have. */
const comparison = fc.constantFrom(...fields).chain((field) =>
  fc.option(values[field] as fc.Arbitrary<unknown>).map((value): SQL => {
    const column = things[field]
    return sql`${column} = ${sql.param(value, column)}`
  }),
)
const raw = fc.oneof(anyText, fc.integer(), fc.bigInt(), fc.boolean(), fc.constant(null), instant)
const piece: fc.Arbitrary<SQL> = fc.letrec<{ piece: SQL }>((tie) => ({
  piece: fc.oneof(
    { maxDepth: 4 },
    comparison,
    raw.map((value) => sql`${value}`),
    anyText.map((name) => sql`${sql.identifier(name)}`),
    fc.constantFrom(sql`${things}`, sql`${elsewhere}`, sql`${elsewhere.someText}`, sql`${undefined}`),
    fc.array(tie('piece'), { maxLength: 4 }).map((parts) => sql`(${sql.join(parts, sql` and `)})`),
    fc.array(raw, { maxLength: 3 }).map((list) => sql`in ${list}`),
    anyText.map((text) => sql`${sql`not ${text}`.inlineParams()}`),
    tie('piece').map((part) => sql`${part.as('named')}`),
  ),
})).piece

describe('a statement is what Drizzle would build', () => {
  it('whatever it is made of', () => {
    fc.assert(
      fc.property(piece, piece, (one, other) => {
        const statement = sql`select ${one} from ${things} where ${other} limit ${1}`
        expect(toStatement(statement)).toEqual(built(statement))
        // Names are kept in mind: the second time is another way.
        expect(toStatement(statement)).toEqual(built(statement))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['conditions of its operators', and(eq(things.flag, true), eq(things.at, new Date(0)))],
    ['an aliased table', sql`select ${alias(things, 'other').someText} from ${alias(things, 'other')}`],
    ['an enum', sql`select ${'glad'}::${mood}`],
    ['a list of columns', sql`select ${[things.someText, things.at]}`],
    ['a placeholder', sql`select ${sql.placeholder('later')}`],
    ['a placeholder of a column', sql`select ${sql.param(sql.placeholder('later'), things.someText)}`],
    ['nothing', sql``],
  ])('of %s', (_what, statement) => {
    expect(toStatement(sql`${statement}`)).toEqual(built(sql`${statement}`))
  })
})

it('a value that its column cannot encode is refused', () => {
  expect(() => toStatement(sql`${sql.param(1n, things.at)}`)).toThrow(TypeError)
})

describe('two tables of one name', () => {
  const ofOneApp = pgTable('twins', { firstName: text(), oneWord: text() })
  const ofAnother = pgTable('twins', { firstName: text(), otherWord: text() })

  it.each([
    ['written here', (column: object) => sql`select ${column}`],
    ['left to Drizzle', (column: object) => sql`select ${column} from ${sql`x`.inlineParams()}`],
  ])('have each their own columns: %s', (_how, select) => {
    expect(toStatement(select(ofOneApp.oneWord)).sql).toContain('select "twins"."one_word"')
    expect(toStatement(select(ofAnother.otherWord)).sql).toContain('select "twins"."other_word"')
    expect(toStatement(select(ofAnother.firstName)).sql).toContain('select "twins"."first_name"')
  })
})
