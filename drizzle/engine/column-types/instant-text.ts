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
