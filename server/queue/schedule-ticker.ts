import type { Logger } from 'pino'
import type { ErrorReports } from '../core/error-reports.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import { NOT_DECLARED, type Schedule } from './schedule.ts'
import {
  noteSeen,
  readScheduleRows,
  replaceDefinition,
  type ScheduleOptions,
  type ScheduleRow,
  syncSchedules,
} from './schedule-rows.ts'
import { nextTick } from './schedule-times.ts'
import { MAX_LATE_MS, planTicks, saveTicks, type TickOutcome } from './tick.ts'
import type { WakeSignal } from './wake-signal.ts'

export interface TickerOptions extends ScheduleOptions {
  /** Wakes the dispatcher when there is a job. */
  readonly queueSignal: WakeSignal
  /** Tells the app of errors that no one expected. */
  readonly errorReports?: Pick<ErrorReports, 'report'> | undefined
  readonly log: Logger
}

export interface Ticker {
  /** Ends with the look that is under way. */
  stop(): Promise<void>
}

/** What a look has found due. */
export interface Ticked {
  readonly name: string
  readonly outcome: TickOutcome
  /** The jobs that were queued. */
  readonly jobIds: readonly string[]
}

export interface Look {
  readonly ticked: readonly Ticked[]
  /** The database's time, as the look has found it. */
  readonly now: number
  /** Milliseconds until the next tick; undefined where none is to come. */
  readonly nextInMs: number | undefined
}

const LOOK_MS = 1_000
/** A server that declares nothing has nothing to tick, but to say that it declares nothing. */
const IDLE_LOOK_MS = 10_000
const SEEN_MS = 10_000
/** A declaration that no server has been seen with for so long is of a version that is gone. */
const GONE_MS = 45_000
const MIN_WAIT_MS = 5

/**
 * Lets the schedules of this server tick until it is stopped. All times are the database's: the clock of the process is
 * never looked at.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout} when what is declared could not be stored.
 */
export async function startTicker(options: TickerOptions): Promise<Ticker> {
  const { log, schedules } = options
  const known = await syncSchedules(options)
  let timer: NodeJS.Timeout | undefined
  let isStopped = known === 0
  let looking = Promise.resolve()
  let seenAt: number | undefined
  const maxWaitMs = schedules.length > 0 ? LOOK_MS : IDLE_LOOK_MS

  const look = async () => {
    let waitMs = maxWaitMs
    try {
      const found = await tickDue(options, seenAt)
      seenAt = found.seenAt
      waitMs = Math.min(waitMs, Math.max(MIN_WAIT_MS, found.nextInMs ?? waitMs))
    } catch (error) {
      if (!isUnavailable(error)) {
        log.error({ err: error }, 'It could not be looked which schedules are due')
        options.errorReports?.report(error, { kind: 'schedule' })
      }
    }
    if (!isStopped) timer = setTimeout(begin, waitMs).unref()
  }
  const begin = () => {
    looking = look()
  }
  if (!isStopped) begin()
  return {
    async stop() {
      isStopped = true
      await looking
      clearTimeout(timer)
    },
  }
}

/**
 * Looks once for what is due, and queues its jobs.
 *
 * @param seenAt when this server last said that it is there, on the database's clock
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function tickDue(
  options: TickerOptions,
  seenAt?: number,
): Promise<Look & { readonly seenAt: number }> {
  const { database, schedules, clockOffsetMs, queueSignal } = options
  const { now, rows } = await readScheduleRows(database, clockOffsetMs())
  const declared = new Map(schedules.map((schedule) => [schedule.name, schedule]))
  const isMine = ({ name, definition }: ScheduleRow) =>
    definition === (declared.get(name)?.definition ?? NOT_DECLARED)
  const ticked: Ticked[] = []
  let nextAt = Number.POSITIVE_INFINITY
  for (const row of rows) {
    const schedule = declared.get(row.name)
    if (!isMine(row)) {
      if (row.seenAt < now - GONE_MS) nextAt = Math.min(nextAt, await takeOver(options, row, schedule, now))
    } else if (schedule && row.nextAt !== null && !row.isPaused) {
      const isDue = row.nextAt <= now
      const tick = isDue ? await tickOne(options, schedule, { ...row, nextAt: row.nextAt }, now) : undefined
      if (tick?.ticked) ticked.push(tick.ticked)
      nextAt = Math.min(nextAt, tick ? tick.nextAt : row.nextAt)
    }
  }
  if (ticked.some(({ jobIds }) => jobIds.length > 0)) queueSignal.wake()
  const isSeen = seenAt !== undefined && now - seenAt < SEEN_MS
  if (!isSeen) await noteSeen(database, now, rows.filter(isMine))
  return {
    ticked,
    now,
    nextInMs: Number.isFinite(nextAt) ? nextAt - now : undefined,
    seenAt: isSeen ? seenAt : now,
  }
}

/** Puts this server's declaration in place of one whose servers are gone. @returns when it ticks next */
async function takeOver(
  { database, log }: TickerOptions,
  row: ScheduleRow,
  schedule: Schedule | undefined,
  now: number,
): Promise<number> {
  // What was due since then has been left to the others.
  const since = new Date(Math.max(row.seenAt, now - MAX_LATE_MS))
  const nextAt = schedule && nextTick(schedule.times, since)
  await replaceDefinition(database, row, {
    definition: schedule?.definition ?? NOT_DECLARED,
    nextAt,
    now,
  })
  log.info({ schedule: row.name }, 'A schedule is what this server declares, since no other server is there')
  return nextAt?.getTime() ?? Number.POSITIVE_INFINITY
}

async function tickOne(
  { database, log }: TickerOptions,
  schedule: Schedule,
  row: ScheduleRow & { readonly nextAt: number },
  now: number,
): Promise<{ readonly ticked: Ticked | undefined; readonly nextAt: number }> {
  const plan = planTicks(schedule, row.nextAt, now)
  const outcome = await saveTicks(database, schedule, row, plan)
  const nextAt = plan.next?.getTime() ?? Number.POSITIVE_INFINITY
  // Another server has done it.
  if (!outcome) return { ticked: undefined, nextAt }
  const jobIds = outcome === 'queued' ? plan.jobs.map(({ id }) => id) : []
  const info = { schedule: schedule.name, at: plan.newest.toISOString(), jobIds }
  switch (outcome) {
    case 'queued':
      log.info(info, 'A schedule has ticked')
      break
    case 'skipped':
      log.warn(info, 'A schedule has ticked without a job: the one before is not done')
      break
    case 'missed':
      log.warn(info, 'A schedule has missed ticks')
      break
  }
  return { ticked: { name: schedule.name, outcome, jobIds }, nextAt }
}
