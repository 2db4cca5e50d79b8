import { is, type SQL, sql } from 'drizzle-orm'
import { PgArray, type PgColumn, PgEnumColumn, PgEnumObjectColumn } from 'drizzle-orm/pg-core'
import { isText } from '../../drizzle/engine/field-sizes.ts'
import type { CatalogEntry } from './catalog.ts'

/** What the records of a page hold, as they are stored; a larger record is a page of its own. */
export const MAX_PAGE_BYTES = 2_097_152
/** A page that cannot become larger than this, by its limit and the sizes of its fields, is not measured. */
const MAX_UNMEASURED_BYTES = 2 * MAX_PAGE_BYTES

/** Of a record, its names and its system fields. */
const RECORD_BYTES = 100
/** Of a column with its name. */
const COLUMN_BYTES = 16
/** A character is at most so many bytes of UTF-8. */
const CHARACTER_BYTES = 4
const ID_CHARACTERS = 255

/** Values of these types are about as large as each other. */
const SMALL_TYPE =
  /^(?:smallint|integer|bigint|smallserial|serial|bigserial|boolean|real|double precision|date|time|timestamp|interval|uuid|inet|cidr|macaddr|macaddr8|point|line)\b/
/** Of a `numeric` that declares its digits, there are at most so many. */
const DECIMAL_TYPE = /^numeric\(/

const largest = new WeakMap<ReadonlyMap<string, PgColumn>, number>()

/** Whether so many records could be more than a page may hold. */
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

/** The bytes of a record of this query, by what the stored values say of themselves without being unpacked, where they can. */
export function recordSize(entry: CatalogEntry): SQL {
  const parts = [...entry.columns.values()].flatMap((column) => {
    if (isSmall(column) || isOneOf(column)) return []
    // Only text and bytea know their size; what JSON is as text must be written to be known.
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

/** A text that is one of a list. */
function isOneOf(column: PgColumn): column is PgColumn & { readonly enumValues: readonly string[] } {
  return !is(column, PgArray) && (column.enumValues?.length ?? 0) > 0
}
