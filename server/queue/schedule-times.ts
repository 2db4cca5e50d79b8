import { Cron } from 'croner'
import { DefinitionError } from '../core/errors.ts'
import { isRecord } from '../core/is-record.ts'

const UNIT_MS = { seconds: 1_000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const
type Unit = keyof typeof UNIT_MS

/** A distance between two ticks, in one unit. */
export type Every = { readonly [U in Unit]: Readonly<Record<U, number>> }[Unit]

/** By a cron pattern, on the wall clock of a time zone. */
export interface CronTimes {
  /** Five fields, or six with seconds first: `0 3 * * *`. */
  readonly cron: string
  /** The IANA name of a time zone. @default 'UTC' */
  readonly timeZone?: string | undefined
}

/** At equal distances, which are counted from 1970-01-01T00:00:00Z. */
export interface EveryTimes {
  readonly every: Every
}

/** When a schedule ticks. */
export type ScheduleTimes = CronTimes | EveryTimes

/** What is longer than that is no distance but a mistake in the unit. */
const MAX_EVERY_MS = 3_660 * UNIT_MS.days
/** Every pattern that comes at all comes after it. */
const LONG_AGO = new Date(0)

/** Gives the first tick after an instant; undefined where none comes. */
export function nextTick(times: ScheduleTimes, after: Date): Date | undefined {
  if ('every' in times) {
    const ms = everyMs(times.every)
    return new Date((Math.floor(after.getTime() / ms) + 1) * ms)
  }
  return cronOf(times).nextRun(after) ?? undefined
}

/** Gives the last tick that is not after an instant; undefined where there was none. */
export function newestTick(times: ScheduleTimes, upTo: Date): Date | undefined {
  if ('every' in times) {
    const ms = everyMs(times.every)
    return new Date(Math.floor(upTo.getTime() / ms) * ms)
  }
  // The tick at the instant itself counts.
  return cronOf(times).previousRuns(1, new Date(upTo.getTime() + 1))[0]
}

/** Checks what a schedule says of its times. @throws {DefinitionError} that says what is right. */
export function checkTimes(name: string, times: unknown): asserts times is ScheduleTimes {
  const { cron, every, timeZone } = isRecord(times) ? times : {}
  if (!isRecord(times) || 'cron' in times === 'every' in times)
    throw wrong(name, "must have either cron, as in '0 3 * * *', or every, as in { minutes: 5 }")
  if (!('cron' in times)) {
    if (timeZone !== undefined) throw wrong(name, 'has a timeZone, which belongs to cron; leave it out')
    return checkEvery(name, every)
  }
  if (typeof cron !== 'string') throw wrong(name, "has a cron that is no text such as '0 3 * * *'")
  if (timeZone !== undefined && !isTimeZone(timeZone))
    throw wrong(name, `has an unknown timeZone ${shown(timeZone)}; it must be as in 'Europe/Paris' or 'UTC'`)
  checkCron(name, { cron, timeZone })
}

function checkEvery(name: string, every: unknown): void {
  const entries = isRecord(every) ? Object.entries(every).filter(([, count]) => count !== undefined) : []
  const [entry] = entries
  if (!entry || entries.length !== 1 || !isUnit(entry[0]))
    throw wrong(name, 'has an every that must have one of seconds, minutes, hours and days')
  const [unit, count] = entry
  const max = MAX_EVERY_MS / UNIT_MS[unit]
  if (!Number.isSafeInteger(count) || Number(count) < 1 || Number(count) > max)
    throw wrong(name, `has every.${unit} ${shown(count)}; it must be a whole number from 1 to ${max}`)
}

function checkCron(name: string, times: CronTimes): void {
  const said = `has the cron ${shown(times.cron)}`
  // Croner would take a date as a pattern too.
  if (!isNickname(times.cron) && ![5, 6].includes(fieldsOf(times.cron).length))
    throw wrong(name, `${said}; it must have five fields, or six with seconds first, as in '0 3 * * *'`)
  let first: Date | null
  try {
    first = cronOf(times).nextRun(LONG_AGO)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
    throw wrong(name, `${said}, which cannot be read: ${reason}; it must be as in '0 3 * * *'`)
  }
  if (!first) throw wrong(name, `${said}, which never comes; it must name days that its months have`)
}

/**
 * Makes the pattern. Where its hours are named, as in `0 2 * * *`, it means wall times: one that a change of the clock
 * leaves out comes right after it, and one that comes twice counts once. Where they are not, as in `0 * * * *`, it
 * means distances, and goes on through a change of the clock.
 */
function cronOf({ cron, timeZone = 'UTC' }: CronTimes): Cron {
  return new Cron(withNamedMinutes(cron), {
    mode: '5-or-6-parts',
    timezone: timeZone,
    fixedTimeRule: 'no-wildcard',
    paused: true,
  })
}

/**
 * Names the minutes and seconds of a pattern that names its hours. Croner takes one that has a wildcard or a step in any
 * of them for distances, and would leave out `* 2 * * *` on the day that has no such hour.
 */
function withNamedMinutes(cron: string): string {
  const fields = fieldsOf(cron)
  const hoursAt = fields.length - 4
  const hours = fields[hoursAt]
  if (isNickname(cron) || hours === undefined || /[*?/]/.test(hours)) return cron
  return fields.map((field, index) => (index < hoursAt ? named(field) : field)).join(' ')
}

function named(field: string): string {
  return field
    .split(',')
    .map((part) => {
      const [, range, step] = /^([*?]|\d+-\d+)(?:\/(\d+))?$/.exec(part) ?? []
      if (range === undefined) return part
      const [from = 0, to = 59] = range.length === 1 ? [] : range.split('-').map(Number)
      if (step === undefined) return `${from}-${to}`
      // What is no step or no range is left for croner to refuse.
      if (Number(step) === 0 || to > 59 || from > to) return part
      const count = Math.floor((to - from) / Number(step)) + 1
      return Array.from({ length: count }, (_, nth) => from + nth * Number(step)).join(',')
    })
    .join(',')
}

function fieldsOf(cron: string): string[] {
  return cron.trim().split(/\s+/)
}

/** `@daily` and its like. */
function isNickname(cron: string): boolean {
  return cron.startsWith('@')
}

function isTimeZone(zone: unknown): zone is string {
  // Not every Node takes an offset for a zone.
  if (typeof zone !== 'string' || !/^[A-Za-z]/.test(zone)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined
  } catch {
    return false
  }
}

function everyMs(every: Every): number {
  return Object.entries(every).reduce((ms, [unit, n]) => (isUnit(unit) ? ms + n * UNIT_MS[unit] : ms), 0)
}

function isUnit(name: string): name is Unit {
  return Object.hasOwn(UNIT_MS, name)
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}

function wrong(name: string, what: string): DefinitionError {
  return new DefinitionError(`Schedule "${name}" ${what}`)
}
