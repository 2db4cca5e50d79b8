const MAX_SECONDS = 3600
/** RFC 9110, 5.6.7, the one form that may be sent. `Date` alone would read far more as a date, `-5` included. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** What a `Retry-After` header asks for, from 1 to 3600 seconds; undefined where it makes no sense. */
export function parseRetryAfter(value: string, now: Date): number | undefined {
  const text = value.trim()
  const seconds = /^\d+$/.test(text) ? Number(text) : HTTP_DATE.test(text) ? secondsUntil(text, now) : 0
  return seconds >= 1 ? Math.min(seconds, MAX_SECONDS) : undefined
}

function secondsUntil(date: string, now: Date): number {
  return Math.ceil((Date.parse(date) - now.getTime()) / 1000)
}
