/// <reference lib="es2024.string" />
import { is } from 'drizzle-orm'
import { type PgColumn, PgEnumColumn, PgEnumObjectColumn } from 'drizzle-orm/pg-core'

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
