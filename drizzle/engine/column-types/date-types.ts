import { z } from 'zod'
import { type ColumnType, type Description, UNREADABLE } from './column-type.ts'

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

const INSTANT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(?::?(\d\d))?$/
/** `2026-11-25 04:30:00.123+00`, as sessions in UTC write it. Zeros at the end of the fraction are left out. */
const FRACTION_AT = 19
const SHORTEST = '2026-11-25 04:30:00+00'.length
const LONGEST = '2026-11-25 04:30:00.123+00'.length

/** Reads a point in time as Postgres writes it; undefined for what has another form. */
export function readInstant(text: string): Date | undefined {
  const ms = utcMs(text)
  if (ms !== undefined) return new Date(ms)
  const match = INSTANT.exec(text)
  if (!match) return undefined
  const [, date, time, hours, minutes = '00'] = match
  return new Date(`${date}T${time}${hours}:${minutes}`)
}

/** Rows have several instants, and the general way takes ten times as long. */
function utcMs(text: string): number | undefined {
  const { length } = text
  if (length < SHORTEST || length > LONGEST || !text.endsWith('+00')) return undefined
  if (length > SHORTEST && text[FRACTION_AT] !== '.') return undefined
  if (text[4] !== '-' || text[7] !== '-' || text[10] !== ' ' || text[13] !== ':' || text[16] !== ':')
    return undefined
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  // `Date.UTC` takes those before for years of the last century.
  if (year < 100) return undefined
  const start = startOfHour(year, twoDigits(text, 5), twoDigits(text, 8), twoDigits(text, 11))
  return start + (twoDigits(text, 14) * 60 + twoDigits(text, 17)) * 1_000 + fraction(text, length - 3)
}

const MAX_HOURS = 1_000
/** When an hour begins: the rows of a page are mostly of a few. */
const hours = new Map<number, number>()

function startOfHour(year: number, month: number, day: number, hour: number): number {
  const key = ((year * 13 + month) * 32 + day) * 25 + hour
  let start = hours.get(key)
  if (start === undefined) {
    start = Date.UTC(year, month - 1, day, hour)
    if (hours.size >= MAX_HOURS) hours.clear()
    hours.set(key, start)
  }
  return start
}

/** The milliseconds of `.5` are 500. */
function fraction(text: string, end: number): number {
  let ms = 0
  for (let at = FRACTION_AT + 1, worth = 100; at < end; at += 1, worth /= 10) ms += digit(text, at) * worth
  return ms
}

function twoDigits(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1)
}

function digit(text: string, at: number): number {
  return text.charCodeAt(at) - 48
}
