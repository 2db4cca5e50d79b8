const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
const MAX_HOURS = 1_000

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))
/** `25:59`, by the seconds of an hour. */
const minutes = twoDigits.flatMap((minute) => twoDigits.map((second) => `${minute}:${second}`))
/** `.007Z`, by the milliseconds of a second. */
const fractions = Array.from({ length: 1_000 }, (_, number) => `.${String(number).padStart(3, '0')}Z`)
/** `2026-11-25T04:` by the number of hours since 1970: the records of a page are mostly of a few. */
const hours = new Map<number, string>()

/**
 * `date.toISOString()`, several times as fast. Saves 50 µs of the 500 of a page of 50 records, with two dates each. It is
 * put together from few pieces, since each joint is an object until the text is written. The date must be valid.
 */
export function isoText(date: Date): string {
  const ms = date.getTime()
  const hour = Math.floor(ms / HOUR_MS)
  const rest = ms - hour * HOUR_MS
  const start = hours.get(hour) ?? hourText(hour)
  return `${start}${minutes[Math.floor(rest / SECOND_MS)]}${fractions[rest % SECOND_MS]}`
}

function hourText(hour: number): string {
  const text = new Date(hour * HOUR_MS).toISOString().slice(0, -'00:00.000Z'.length)
  if (hours.size >= MAX_HOURS) hours.clear()
  hours.set(hour, text)
  return text
}
