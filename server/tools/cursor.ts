/// <reference lib="es2024.string" />

import { is } from 'drizzle-orm'
import { type PgColumn, PgEnumColumn, PgEnumObjectColumn } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { decodeCursor, digestOf, encodeCursor, positionText } from '../wire/cursor.ts'

/** The query that a cursor belongs to; a cursor of another query is refused. */
export interface QueryScope {
  readonly collection: string
  readonly orderBy: string
  readonly orderDir: 'asc' | 'desc'
  readonly where: unknown
  /** Whose pages they are. */
  readonly reader: string
}

/** Where the next page starts: the last record's value of the order's field, as the database writes it, and its id. */
export interface RecordPosition {
  readonly value: string | null
  readonly recordId: string
  /** The digest of a value that is too long for a cursor: the value is read from the record instead. */
  readonly digest?: string | undefined
}

/** The longest value in a cursor: a longer one does not fit into a URL. */
const MAX_VALUE_BYTES = 2_000

const positionSchema = z.tuple([positionText.nullable(), positionText, z.string().nullable()])

/** Encodes a position. A cursor grants nothing: `where` and permissions apply again to every page. */
export function encodeRecordCursor(query: QueryScope, { value, recordId }: RecordPosition): string {
  const isLong = Buffer.byteLength(JSON.stringify(value)) > MAX_VALUE_BYTES
  return encodeCursor(scopeOf(query), [isLong ? null : value, recordId, isLong ? digestOf(value) : null])
}

/** Decodes a position: undefined when the cursor is malformed, changed, or belongs to another query. */
export function decodeRecordCursor(query: QueryScope, cursor: string): RecordPosition | undefined {
  const position = decodeCursor(scopeOf(query), positionSchema, cursor)
  if (!position) return undefined
  const [value, recordId, digest] = position
  return { value, recordId, digest: digest ?? undefined }
}

/** Whether a value has the position's digest. */
export function isValueOf({ digest }: RecordPosition, value: unknown): value is string {
  return typeof value === 'string' && digestOf(value) === digest
}

function scopeOf({ collection, where, ...order }: QueryScope) {
  return { list: collection, filters: { ...order, where: where ?? {} } }
}

const DATE = String.raw`\d{4,7}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`
const TIME = String.raw`(?:[01]\d|2[0-4]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?`
/** The longest offset from UTC that Postgres takes is below 16 hours. */
const ZONE = String.raw`[+-](?:0\d|1[0-5])(?::[0-5]\d){0,2}`
const ENDLESS = '-?infinity'

/** What Postgres writes for values of a type, with ISO dates: by the beginning of the type's name. */
const TEXT_FORMS: readonly (readonly [type: RegExp, text: RegExp])[] = [
  [/^(?:smallint|integer|bigint|smallserial|serial|bigserial)$/, /^-?\d{1,19}$/],
  [/^numeric/, /^(?:-?\d{1,131072}(?:\.\d{1,16383})?|NaN|-?Infinity)$/],
  [/^(?:real|double precision)$/, /^(?:-?\d{1,309}(?:\.\d{1,40})?(?:e[+-]\d{1,3})?|NaN|-?Infinity)$/],
  [/^boolean$/, /^(?:true|false)$/],
  [/^uuid$/, /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/],
  [/^timestamp.*with time zone$/, new RegExp(`^(?:${DATE} ${TIME}${ZONE}(?: BC)?|${ENDLESS})$`)],
  [/^timestamp/, new RegExp(`^(?:${DATE} ${TIME}(?: BC)?|${ENDLESS})$`)],
  [/^date$/, new RegExp(`^(?:${DATE}(?: BC)?|${ENDLESS})$`)],
  [/^time.*with time zone$/, new RegExp(`^${TIME}${ZONE}$`)],
  [/^time/, new RegExp(`^${TIME}$`)],
]

const INTEGER_BITS: ReadonlyMap<string, number> = new Map([
  ['smallint', 16],
  ['integer', 32],
  ['bigint', 64],
  ['smallserial', 16],
  ['serial', 32],
  ['bigserial', 64],
])

/**
 * Whether Postgres could have written this text for a value of this column. A cursor comes from outside, so a value that
 * no page wrote is refused here and not by the database.
 */
export function isColumnText(column: PgColumn, text: string): boolean {
  if (!text.isWellFormed() || text.includes('\0')) return false
  if (is(column, PgEnumColumn) || is(column, PgEnumObjectColumn)) return column.enumValues.includes(text)
  const type = column.getSQLType()
  const form = TEXT_FORMS.find(([known]) => known.test(type))
  // For other types the database decides; what it refuses is a BAD_REQUEST.
  if (!form) return true
  if (!form[1].test(text)) return false
  const bits = INTEGER_BITS.get(type)
  if (bits !== undefined) return BigInt.asIntN(bits, BigInt(text)) === BigInt(text)
  return !type.startsWith('timestamp') && type !== 'date' ? true : isDay(text)
}

/** The calendar repeats after these years; a Date ends before Postgres' years do. */
const CALENDAR_YEARS = 400

/** Whether the day is one of its month. */
function isDay(text: string): boolean {
  const [, written, month, day] = /^(\d+)-(\d\d)-(\d\d)/.exec(text) ?? []
  if (written === undefined) return true
  // Before the year 1 is the year 1 BC.
  const year = text.endsWith(' BC') ? 1 - Number(written) : Number(written)
  const date = new Date(0)
  date.setUTCFullYear(2_000 + (year % CALENDAR_YEARS), Number(month) - 1, Number(day))
  return date.getUTCMonth() === Number(month) - 1
}
