import { z } from 'zod'
import { type ColumnType, type Description, UNREADABLE } from './column-type.ts'
import { readInstant } from './instant-text.ts'

interface TimeColumn {
  readonly withTimezone: boolean
  /** Digits of a fraction of a second. */
  readonly precision: number | undefined
}

const DAY_MS = 86_400_000
const DATE = /^\d{4}-\d\d-\d\d$/
const CLOCK = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d'
/** Postgres keeps microseconds. */
const MAX_FRACTION = 6

/** A point in time, which a Date holds to the millisecond. */
export function timestampType({ withTimezone, precision }: TimeColumn): Description {
  if (!withTimezone || precision !== 3) {
    return { refused: 'must be timestamp({ withTimezone: true, precision: 3 }): a Date holds milliseconds' }
  }
  return {
    schema: z.date(),
    read: (value) => readInstant(String(value)) ?? UNREADABLE,
    isComparable: true,
  }
}

/** A date and time on the clock of wherever it is read, as text. */
export function timestampTextType({ withTimezone, precision }: TimeColumn): Description {
  if (withTimezone) {
    return {
      refused:
        'must be timestamp({ withTimezone: true, precision: 3 }) in its own mode: as text its offset would be lost',
    }
  }
  const clock = new RegExp(`^(\\d{4}-\\d\\d-\\d\\d) ${CLOCK}${fractionOf(precision)}$`)
  const isExact = (text: string) => isDate(clock.exec(text)?.[1] ?? '')
  return textOf(
    isExact,
    `must be a date and time without a zone, such as "2030-01-31 18:00:00"${fractionRule(precision)}`,
  )
}

/** A day as a Date, which must be the beginning of it. */
export const dateType: ColumnType = {
  schema: z
    .date()
    .refine(
      (date) => date.getTime() % DAY_MS === 0,
      'must be midnight in UTC, such as 2030-01-31T00:00:00Z: a date has no time',
    ),
  read: (value) => (isDate(String(value)) ? new Date(`${String(value)}T00:00:00Z`) : UNREADABLE),
  isComparable: true,
}

/** A day as text. */
export const dateTextType = textOf(isDate, 'must be a date such as "2030-01-31"')

/** A time of day as text. */
export function timeType({ withTimezone, precision }: TimeColumn): Description {
  if (withTimezone)
    return {
      refused: 'must be time() without a zone, which depends on the day; keep the zone in a text field',
    }
  const exact = new RegExp(`^(?:${CLOCK}${fractionOf(precision)}|24:00:00)$`)
  return textOf(
    (text) => exact.test(text),
    `must be a time of day such as "18:00:00"${fractionRule(precision)}`,
  )
}

function textOf(isExact: (text: string) => boolean, rule: string): ColumnType {
  return { schema: z.string().refine(isExact, rule), read: String, isComparable: true }
}

/** A real day of the years 1 to 9999; Postgres would also take `today` and `02/03/2024`. */
function isDate(text: string): boolean {
  if (!DATE.test(text) || text.startsWith('0000')) return false
  const date = new Date(`${text}T00:00:00Z`)
  // V8 rolls 30 February over into March.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

/** Postgres leaves out zeros at the end, and rounds what is finer than the column. */
function fractionOf(precision = MAX_FRACTION): string {
  return precision === 0 ? '' : `(?:\\.\\d{0,${precision - 1}}[1-9])?`
}

function fractionRule(precision = MAX_FRACTION): string {
  return precision === 0
    ? ', without a fraction'
    : `, with at most ${precision} digits of a fraction and no zero at its end`
}
