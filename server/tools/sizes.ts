import { is, type SQL, sql } from 'drizzle-orm'
import { PgArray, type PgColumn, PgEnumColumn, PgEnumObjectColumn } from 'drizzle-orm/pg-core'
import { type FieldSize, isText } from '../../drizzle/engine/field-sizes.ts'
import { stringify } from '../wire/to-json.ts'
import type { CatalogEntry } from './catalog.ts'

/** Says by how much a value is too large for its field; undefined when it fits, or has another type. */
export function sizeProblem(size: FieldSize, value: unknown): string | undefined {
  if (size.kind === 'json') {
    if (value === null || value === undefined) return undefined
    return characterProblem(stringify(value), size.maxCharacters, ' as JSON')
  }
  if (size.kind === 'text') {
    return typeof value === 'string' ? characterProblem(value, size.maxCharacters) : undefined
  }
  return Array.isArray(value) ? arrayProblem(size, value) : undefined
}

function arrayProblem(size: FieldSize, value: readonly unknown[]): string | undefined {
  const elements: unknown[] = value.flat(Number.POSITIVE_INFINITY)
  if (elements.length > size.maxElements)
    return `must have at most ${size.maxElements} elements; it has ${elements.length}`
  let total = 0
  for (const element of elements) {
    if (typeof element !== 'string') continue
    const problem = characterProblem(element, size.maxCharacters, ' in each element')
    if (problem) return problem
    total += charactersOf(element)
  }
  return total > size.maxTotalCharacters
    ? `must have at most ${size.maxTotalCharacters} characters in all its elements; it has ${total}`
    : undefined
}

function characterProblem(text: string, most: number, where = ''): string | undefined {
  // A character is one or two units of a string: only a length in between has to be counted.
  if (text.length <= most) return undefined
  const count = charactersOf(text)
  return count > most ? `must have at most ${most} characters${where}; it has ${count}` : undefined
}

/** Counts the code points of a well-formed text, as Postgres does. */
export function charactersOf(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** The most bytes of a page's records, as they are stored; a larger record is a page of its own. */
export const MAX_PAGE_BYTES = 2_097_152
/** A page that cannot be larger than this, by its limit and its fields' sizes, is not measured. */
const MAX_UNMEASURED_BYTES = 2 * MAX_PAGE_BYTES

/** The bytes of a record's names and system fields. */
const RECORD_BYTES = 100
/** The bytes of a column with its name. */
const COLUMN_BYTES = 16
/** The most bytes of a character in UTF-8. */
const CHARACTER_BYTES = 4
const ID_CHARACTERS = 255

/** Types whose values all have about the same size. */
const SMALL_TYPE =
  /^(?:smallint|integer|bigint|smallserial|serial|bigserial|boolean|real|double precision|date|time|timestamp|interval|uuid|inet|cidr|macaddr|macaddr8|point|line)\b/
/** A `numeric` that declares its digits has a bounded size. */
const DECIMAL_TYPE = /^numeric\(/

const largest = new WeakMap<ReadonlyMap<string, PgColumn>, number>()

/** Whether this many records could be larger than a page. */
export function isMeasured(entry: CatalogEntry, limit: number): boolean {
  let bytes = largest.get(entry.columns)
  if (bytes === undefined) {
    bytes = largestRecord(entry)
    largest.set(entry.columns, bytes)
  }
  return limit * bytes > MAX_UNMEASURED_BYTES
}

function largestRecord(entry: CatalogEntry): number {
  let bytes = RECORD_BYTES
  for (const [field, column] of entry.columns) bytes += COLUMN_BYTES + largestValue(entry, field, column)
  return bytes
}

function largestValue(entry: CatalogEntry, field: string, column: PgColumn): number {
  if (isSmall(column)) return 0
  if (!entry.fields.includes(field)) return ID_CHARACTERS * CHARACTER_BYTES
  if (isOneOf(column)) return CHARACTER_BYTES * Math.max(...column.enumValues.map(({ length }) => length))
  const size = entry.sizes.get(field)
  if (!size) return Number.POSITIVE_INFINITY
  return (
    CHARACTER_BYTES * size.maxTotalCharacters + (size.kind === 'array' ? COLUMN_BYTES * size.maxElements : 0)
  )
}

/** Writes the size of a record in bytes, from the stored values' own lengths where they have one. */
export function recordSize(entry: CatalogEntry): SQL {
  const parts = [...entry.columns.values()].flatMap((column) => {
    if (isSmall(column) || isOneOf(column)) return []
    // Only text and bytea know their size; JSON has to be written as text to be measured.
    const isKnown = !is(column, PgArray) && (isText(column) || column.getSQLType() === 'bytea')
    return [sql`coalesce(octet_length(${isKnown ? column : sql`${column}::text`}), 0)`]
  })
  const fixed = RECORD_BYTES + COLUMN_BYTES * entry.columns.size
  return sql`(${sql.join([sql`${fixed}::bigint`, ...parts], sql` + `)})`
}

function isSmall(column: PgColumn): boolean {
  if (is(column, PgArray)) return false
  if (is(column, PgEnumColumn) || is(column, PgEnumObjectColumn)) return true
  return SMALL_TYPE.test(column.getSQLType()) || DECIMAL_TYPE.test(column.getSQLType())
}

/** Whether a text column takes one of a list of values. */
function isOneOf(column: PgColumn): column is PgColumn & { readonly enumValues: readonly string[] } {
  return !is(column, PgArray) && (column.enumValues?.length ?? 0) > 0
}

/** Texts of up to this many characters are compared almost as fast as numbers. */
const SHORT_CHARACTERS = 255

/** Whether a field's values may be so long that comparing them is slow. */
export function isLongText(entry: CatalogEntry, field: string): boolean {
  const size = entry.sizes.get(field)
  const isOneOf = (entry.columns.get(field)?.enumValues?.length ?? 0) > 0
  return size?.kind === 'text' && size.maxCharacters > SHORT_CHARACTERS && !isOneOf
}

export function isLongValue(value: unknown): boolean {
  return typeof value === 'string' && value.length > SHORT_CHARACTERS
}
