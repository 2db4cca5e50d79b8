import { describe, expect, it, vi } from 'vitest'
import { checkTimes, newestTick, nextTick, type ScheduleTimes } from '../../server/queue/schedule-times.ts'

// limits.md: schedule-every

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const FROM = Date.UTC(2023, 0, 1)
const TO = Date.UTC(2028, 0, 1)

/** North and south, whole, half and quarter hours, gaps of 30, 60 and 120 minutes, at midnight too, and none. */
const ZONES = [
  'Africa/Cairo',
  'Africa/Casablanca',
  'America/Havana',
  'America/New_York',
  'America/Santiago',
  'America/St_Johns',
  'Antarctica/Troll',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Australia/Sydney',
  'Europe/Paris',
  'Pacific/Chatham',
  'UTC',
]

/** A pattern as sets, which the expectation is computed from; undefined for all. */
interface Pattern {
  readonly cron: string
  readonly minutes?: readonly number[]
  readonly hours?: readonly number[]
  readonly days?: readonly number[] | 'last'
  readonly months?: readonly number[]
  readonly weekdays?: readonly number[]
  /** Whether it means distances: its hours are not named. */
  readonly isInterval?: true
}

const every = (step: number, upTo: number) =>
  Array.from({ length: Math.ceil(upTo / step) }, (_, nth) => nth * step)

/** What is followed through five years. */
const LONG: readonly Pattern[] = [
  { cron: '30 2 * * *', minutes: [30], hours: [2] },
  { cron: '0 3 * * 0', minutes: [0], hours: [3], weekdays: [0] },
  { cron: '5 12 29 2 *', minutes: [5], hours: [12], days: [29], months: [2] },
  { cron: '0 2 31 * *', minutes: [0], hours: [2], days: [31] },
  {
    cron: '0 23 30,31 2-10 *',
    minutes: [0],
    hours: [23],
    days: [30, 31],
    months: [2, 3, 4, 5, 6, 7, 8, 9, 10],
  },
  { cron: '45 2 L * *', minutes: [45], hours: [2], days: 'last' },
]
/** What is followed around each change of the clock. */
const SHORT: readonly Pattern[] = [
  { cron: '0 0 * * *', minutes: [0], hours: [0] },
  { cron: '@daily', minutes: [0], hours: [0] },
  { cron: '59 1 * * *', minutes: [59], hours: [1] },
  { cron: '0 2 * * *', minutes: [0], hours: [2] },
  { cron: '15 2 * * *', minutes: [15], hours: [2] },
  { cron: '30 0,2,14 * * *', minutes: [30], hours: [0, 2, 14] },
  { cron: '50 2,3 * * *', minutes: [50], hours: [2, 3] },
  { cron: '*/15 2 * * *', minutes: [0, 15, 30, 45], hours: [2] },
  { cron: '10-40/10,7 1-3 * * *', minutes: [7, 10, 20, 30, 40], hours: [1, 2, 3] },
  { cron: '30 2 * * MON-FRI', minutes: [30], hours: [2], weekdays: [1, 2, 3, 4, 5] },
  { cron: '30 * * * *', minutes: [30], isInterval: true },
  { cron: '0 */2 * * *', minutes: [0], hours: every(2, 24), isInterval: true },
  { cron: '@hourly', minutes: [0], isInterval: true },
  { cron: '*/15 * * * *', minutes: every(15, 60), isInterval: true },
]

/** Matches a wall time, which is given as if it were in UTC. */
function matches(pattern: Pattern, wall: number): boolean {
  const at = new Date(wall)
  const has = (values: readonly number[] | undefined, value: number) => values?.includes(value) ?? true
  const isDay =
    pattern.days === 'last' ? new Date(wall + DAY).getUTCDate() === 1 : has(pattern.days, at.getUTCDate())
  return (
    has(pattern.minutes, at.getUTCMinutes()) &&
    has(pattern.hours, at.getUTCHours()) &&
    isDay &&
    has(pattern.months, at.getUTCMonth() + 1) &&
    has(pattern.weekdays, at.getUTCDay())
  )
}

/** Reads the wall clock of a zone, as if it were in UTC. */
function wallClock(timeZone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  return (instant) => {
    const parts = Object.fromEntries(
      format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
    )
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = parts
    return Date.UTC(year, month - 1, day, hour, minute)
  }
}

interface Segment {
  readonly from: number
  readonly offset: number
}

/** Finds when the offset of a zone changes, to the minute. */
function segmentsOf(timeZone: string): Segment[] {
  const wall = wallClock(timeZone)
  const offsetAt = (instant: number) => wall(instant) - instant
  const segments: Segment[] = [{ from: FROM - 2 * DAY, offset: offsetAt(FROM - 2 * DAY) }]
  for (let day = FROM - DAY; day <= TO + 2 * DAY; day += DAY) {
    if (offsetAt(day) === segments.at(-1)?.offset) continue
    let instant = day - DAY
    while (offsetAt(instant) === segments.at(-1)?.offset) instant += MINUTE
    segments.push({ from: instant, offset: offsetAt(instant) })
  }
  return segments
}

/** Computes ticks by looking at every minute. */
function byMinutes(pattern: Pattern, wall: readonly number[], from: number): number[] {
  const seen = new Set<number>()
  const ticks: number[] = []
  wall.forEach((now, index) => {
    if (index === 0) return
    const isNew = !seen.has(now)
    seen.add(now)
    const left: number[] = []
    for (let gone = (wall[index - 1] ?? 0) + MINUTE; gone < now; gone += MINUTE) left.push(gone)
    const isHere = matches(pattern, now) && (isNew || pattern.isInterval === true)
    const isAfterGap = !pattern.isInterval && left.some((gone) => matches(pattern, gone))
    if (isHere || isAfterGap) ticks.push(from + index * MINUTE)
  })
  return ticks
}

/** Computes the ticks of five years by finding the instant of each wall time. */
function byWallTimes(pattern: Pattern, segments: readonly Segment[]): number[] {
  const ticks = new Set<number>()
  for (let day = FROM - 2 * DAY; day < TO + 2 * DAY; day += DAY) {
    for (const hour of pattern.hours ?? []) {
      for (const minute of pattern.minutes ?? []) {
        const wall = day + hour * HOUR + minute * MINUTE
        if (matches(pattern, wall)) ticks.add(instantOf(wall, segments))
      }
    }
  }
  return [...ticks].filter((tick) => tick > FROM && tick <= TO).sort((one, other) => one - other)
}

/** The first instant at which the wall clock shows it, or has passed it. */
function instantOf(wall: number, segments: readonly Segment[]): number {
  for (const [index, { from, offset }] of segments.entries()) {
    const until = segments[index + 1]?.from ?? Number.POSITIVE_INFINITY
    const instant = Math.max(wall - offset, from)
    if (instant < until) return instant
  }
  throw new Error('There is a last segment')
}

function ticksBetween(times: ScheduleTimes, from: number, to: number): number[] {
  const ticks: number[] = []
  let tick = nextTick(times, new Date(from))
  while (tick && tick.getTime() <= to) {
    ticks.push(tick.getTime())
    tick = nextTick(times, tick)
  }
  return ticks
}

const newest = (times: ScheduleTimes, upTo: number) => newestTick(times, new Date(upTo))?.getTime() ?? 0

const iso = (ticks: readonly number[]) => ticks.map((tick) => new Date(tick).toISOString())

describe.each(ZONES)('in %s', (timeZone) => {
  const segments = segmentsOf(timeZone)

  it.each(LONG)('$cron ticks through five years as counted by wall times', (pattern) => {
    const ticks = ticksBetween({ cron: pattern.cron, timeZone }, FROM, TO)
    expect(iso(ticks)).toEqual(iso(byWallTimes(pattern, segments)))
    expect(ticks.length).toBeGreaterThan(0)
  })

  it('every pattern ticks around each change of the clock as counted by minutes, forth and back', () => {
    const wallOf = wallClock(timeZone)
    const changes = segments.length > 1 ? segments.slice(1) : [{ from: FROM + 59 * DAY }]
    for (const { from: change } of changes) {
      const from = change - 14 * HOUR
      const wall = Array.from({ length: 28 * 60 }, (_, index) => wallOf(from + index * MINUTE))
      for (const pattern of SHORT) {
        const times = { cron: pattern.cron, timeZone }
        const expected = byMinutes(pattern, wall, from)
        const ticks = ticksBetween(times, from, from + (wall.length - 1) * MINUTE)
        expect(iso(ticks), pattern.cron).toEqual(iso(expected))
        const beside = (tick: number) => Math.abs(tick - change) <= 2 * HOUR
        expect(iso(expected.filter(beside).map((tick) => newest(times, tick)))).toEqual(
          iso(expected.filter(beside)),
        )
        for (const [index, tick] of expected.entries()) {
          if (index > 0 && beside(tick)) expect(newest(times, tick - 1)).toBe(expected[index - 1])
        }
      }
    }
  })
})

describe('the zones', () => {
  it('have all kinds of change of the clock', () => {
    const changes = ZONES.flatMap((zone) => {
      const segments = segmentsOf(zone)
      return segments.slice(1).map(({ offset }, index) => (offset - (segments[index]?.offset ?? 0)) / MINUTE)
    })
    expect(new Set(changes)).toEqual(new Set([-120, -60, -30, 30, 60, 120]))
    expect(segmentsOf('Asia/Kolkata')).toHaveLength(1)
  })
})

describe('a tick', () => {
  const next = (times: ScheduleTimes, after: string) => nextTick(times, new Date(after))?.toISOString()

  it.each([
    ['2026-03-28T02:30:00.000Z', '2026-03-29T01:00:00.000Z', 'runs right after the gap that its time is in'],
    ['2026-10-24T12:00:00.000Z', '2026-10-25T00:30:00.000Z', 'runs at the first of two'],
    ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z', 'does not run at the second'],
  ])('after %s is at %s: it %s', (after, at) => {
    expect(next({ cron: '30 2 * * *', timeZone: 'Europe/Paris' }, after)).toBe(at)
  })

  it('of many wall times in one gap runs once after it', () => {
    const times = { cron: '* 2 * * *', timeZone: 'Europe/Paris' }
    const day = Date.UTC(2026, 2, 29)
    expect(iso(ticksBetween(times, day, day + 12 * HOUR))).toEqual(['2026-03-29T01:00:00.000Z'])
  })

  it('is counted in UTC where no zone is given', () => {
    expect(next({ cron: '0 3 * * *' }, '2026-03-28T12:00:00Z')).toBe('2026-03-29T03:00:00.000Z')
  })

  it('may name a second', () => {
    expect(next({ cron: '30 0 3 * * *' }, '2026-01-01T00:00:00Z')).toBe('2026-01-01T03:00:30.000Z')
    expect(next({ cron: '* * * * * *' }, '2026-01-01T00:00:00.900Z')).toBe('2026-01-01T00:00:01.000Z')
  })

  it.each([
    [{ seconds: 7 }, 7_000],
    [{ minutes: 5 }, 5 * MINUTE],
    [{ hours: 36 }, 36 * HOUR],
    [{ days: 3 }, 3 * DAY],
  ])('of every %j is counted from 1970', (distance, ms) => {
    const times: ScheduleTimes = { every: distance }
    const now = Date.UTC(2026, 6, 1, 12, 34, 56, 789)
    const tick = nextTick(times, new Date(now))?.getTime() ?? 0
    expect([tick % ms, tick > now, tick - now <= ms]).toEqual([0, true, true])
    expect(nextTick(times, new Date(tick))?.getTime()).toBe(tick + ms)
    expect(newestTick(times, new Date(tick))?.getTime()).toBe(tick)
    expect(newestTick(times, new Date(tick - 1))?.getTime()).toBe(tick - ms)
  })

  it('does not depend on the clock or the zone of the process', () => {
    const spec = { cron: '30 2 * * *', timeZone: 'America/New_York' }
    const here = ticksBetween(spec, FROM, FROM + 90 * DAY)
    vi.useFakeTimers({ now: Date.UTC(2099, 0, 1), toFake: ['Date'] })
    try {
      expect(ticksBetween(spec, FROM, FROM + 90 * DAY)).toEqual(here)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a declaration', () => {
  it.each([
    [{}, /must have either cron, as in '0 3 \* \* \*', or every, as in \{ minutes: 5 \}/],
    [{ cron: '0 3 * * *', every: { days: 1 } }, /must have either cron/],
    [{ every: { days: 1 }, timeZone: 'UTC' }, /has a timeZone, which belongs to cron; leave it out/],
    [{ cron: 5 }, /a cron that is no text/],
    [{ cron: '0 3 * *' }, /"0 3 \* \*"; it must have five fields, or six with seconds first/],
    [{ cron: '0 0 3 * * * 2027' }, /it must have five fields/],
    [{ cron: '2027-01-01T00:00:00' }, /it must have five fields/],
    [
      { cron: '60 3 * * *' },
      /"60 3 \* \* \*", which cannot be read: .*60.*; it must be as in '0 3 \* \* \*'/,
    ],
    [{ cron: '*/0 3 * * *' }, /cannot be read/],
    [{ cron: '@reboot' }, /cannot be read/],
    [{ cron: '@sometimes' }, /cannot be read/],
    [{ cron: '0 0 31 2 *' }, /"0 0 31 2 \*", which never comes; it must name days that its months have/],
    [{ cron: '*/5 * 30,31 2 *' }, /never comes/],
    [{ cron: '0 3 * * *', timeZone: 'Europe/Pari' }, /unknown timeZone "Europe\/Pari"; it must be as in/],
    [{ cron: '0 3 * * *', timeZone: '+02:00' }, /unknown timeZone/],
    [{ every: {} }, /must have one of seconds, minutes, hours and days/],
    [{ every: { weeks: 1 } }, /must have one of seconds, minutes, hours and days/],
    [{ every: { hours: 1, minutes: 30 } }, /must have one of seconds, minutes, hours and days/],
    [{ every: { minutes: 0 } }, /every\.minutes 0; it must be a whole number from 1 to/],
    [{ every: { minutes: 1.5 } }, /every\.minutes 1\.5/],
    [{ every: { minutes: '5' } }, /every\.minutes "5"/],
    [{ every: { days: 1e9 } }, /every\.days 1000000000; it must be a whole number from 1 to 3660/],
  ])('with %j is refused', (times, message) => {
    expect(() => checkTimes('nightly', times)).toThrow(message)
    expect(() => checkTimes('nightly', times)).toThrow(
      expect.objectContaining({
        name: 'DefinitionError',
        message: expect.stringMatching(/^Schedule "nightly" /),
      }),
    )
  })

  it.each([
    { cron: '0 3 * * *' },
    { cron: '  0   3 * * * ' },
    { cron: '0 0 29 2 *', timeZone: 'Europe/Paris' },
    { cron: '0 0 29 2 +MON' },
    { cron: '@weekly' },
    { every: { seconds: 1 } },
  ])('with %j is taken', (times) => {
    expect(() => checkTimes('nightly', times)).not.toThrow()
  })
})
