const MAX_DECIMAL_DIGITS = 40
const DECIMAL = /^-?\d{1,40}$/
const DECIMAL_BOUND = 10n ** BigInt(MAX_DECIMAL_DIGITS)

const EARLIEST_MS = Date.parse('0001-01-01T00:00:00.000Z')
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

// Digits beyond the millisecond are taken only when they are zeros: a Date would drop them silently.
const INSTANT =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,3})0{0,6})?)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** Whether a Date is valid and lies in the years 1 to 9999 UTC, which ISO 8601 text and Postgres both hold. */
export function isInstantInRange(instant: Date): boolean {
  const ms = instant.getTime()
  return ms >= EARLIEST_MS && ms <= LATEST_MS
}

/** Whether a bigint has at most 40 digits. */
export function isDecimalInRange(value: bigint): boolean {
  return value < DECIMAL_BOUND && value > -DECIMAL_BOUND
}

/**
 * Reads an ISO 8601 date and time with a zone, such as `2026-02-28T09:30:00.250+01:00`. Seconds may be left
 * out. Text without a zone, impossible dates, years outside 1 to 9999 and fractions finer than a
 * millisecond give undefined.
 */
export function parseIsoInstant(text: string): Date | undefined {
  const match = INSTANT.exec(text)
  if (!match) return undefined
  const [, minute, second = '00', fraction = '', zone] = match
  const wallClock = `${minute}:${second}.${fraction.padEnd(3, '0')}`
  // V8 rolls 30 February and 24:00 over into another day; only a real date survives the round trip.
  const asUtc = new Date(`${wallClock}Z`)
  if (Number.isNaN(asUtc.getTime()) || asUtc.toISOString() !== `${wallClock}Z`) return undefined
  const instant = zone === 'Z' ? asUtc : new Date(`${wallClock}${zone}`)
  return isInstantInRange(instant) ? instant : undefined
}

/** Reads an integer of 1 to 40 decimal digits with an optional minus. Anything else gives undefined. */
export function parseDecimal(text: string): bigint | undefined {
  return DECIMAL.test(text) ? BigInt(text) : undefined
}

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
