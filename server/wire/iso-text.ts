const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const MAX_DAYS = 1_000

/** `2026-11-25T` by the number of days since 1970: the records of a page are mostly of a few days. */
const days = new Map<number, string>()
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))

/** `date.toISOString()`, several times as fast: a page of records has a hundred dates. The date must be valid. */
export function isoText(date: Date): string {
  const ms = date.getTime()
  const day = Math.floor(ms / DAY_MS)
  const rest = ms - day * DAY_MS
  const hours = twoDigits[Math.floor(rest / HOUR_MS)]
  const minutes = twoDigits[Math.floor(rest / MINUTE_MS) % 60]
  const seconds = twoDigits[Math.floor(rest / SECOND_MS) % 60]
  const fraction = String(rest % SECOND_MS).padStart(3, '0')
  return `${days.get(day) ?? dayText(day)}${hours}:${minutes}:${seconds}.${fraction}Z`
}

function dayText(day: number): string {
  const text = new Date(day * DAY_MS).toISOString().slice(0, -'00:00:00.000Z'.length)
  if (days.size >= MAX_DAYS) days.clear()
  days.set(day, text)
  return text
}
