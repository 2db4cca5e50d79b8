import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import { quote } from '../tools/problems.ts'
import { NOT_DECLARED, readDefinition } from './schedule.ts'
import { readScheduleRows, type ScheduleOptions } from './schedule-rows.ts'
import { nextTick } from './schedule-times.ts'
import type { WakeSignal } from './wake-signal.ts'
import { JOB_LANE } from './work.ts'

/** A change by the owner. */
export interface ScheduleChange {
  readonly name: string
  /** The user who changes it. */
  readonly changedBy: string
}

const PAUSE = `
  update deputy.schedules set is_paused = true, changed_by = $2, changed_at = now() + $3::bigint * interval '1 millisecond'
  where name = $1 and definition <> '${NOT_DECLARED}' returning name`

/**
 * Pauses a schedule: it queues no jobs. What it has queued is done all the same.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function pauseSchedule(
  { database, clockOffsetMs }: Omit<ScheduleOptions, 'schedules'>,
  { name, changedBy }: ScheduleChange,
): Promise<ActionResult<{ readonly name: string }>> {
  const { rows } = await database.write({ sql: PAUSE, params: [name, changedBy, clockOffsetMs()] })
  return rows.length > 0 ? ok({ name }) : noSuchSchedule(name)
}

const RESUME = `
  update deputy.schedules set is_paused = false, next_at = $3::timestamptz, changed_by = $4, changed_at = $5::timestamptz
  where name = $1 and definition = $2 and is_paused returning name`

/**
 * Lets a paused schedule tick again. It counts from now on: what was due meanwhile is not made up for.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function resumeSchedule(
  { database, clockOffsetMs }: Omit<ScheduleOptions, 'schedules'>,
  { name, changedBy }: ScheduleChange,
): Promise<ActionResult<{ readonly name: string; readonly next: Date | null }>> {
  const { now, rows } = await readScheduleRows(database, clockOffsetMs())
  const row = rows.find((each) => each.name === name)
  const definition = row && readDefinition(row.definition)
  if (!definition) return noSuchSchedule(name)
  if (!row.isPaused) return ok({ name, next: row.nextAt === null ? null : new Date(row.nextAt) })
  const next = nextTick(definition.times, new Date(now)) ?? null
  const instants = [next?.toISOString() ?? null, changedBy, new Date(now).toISOString()]
  const resumed = await database.write({ sql: RESUME, params: [name, row.definition, ...instants] })
  return resumed.rows.length > 0 ? ok({ name, next }) : changedMeanwhile(name)
}

// A tick, or another call, that queues a job at the same moment changes `last_job`: one of the two is refused.
const RUN = `
  with known as materialized (
    select $3::boolean or not exists (
      select 1 from deputy.queue where series = $1 and lane = $5 and state = 'queued') as is_free),
  changed as (
    update deputy.schedules as it set last_job = $2, last_outcome = 'queued', last_error = null
    from known
    where it.name = $1 and known.is_free and ($3::boolean or it.last_job is not distinct from $4::text)
    returning 1),
  made as (
    insert into deputy.queue
      (id, kind, lane, data, run_as, source, action, invocation, series, max_attempts, due_at)
    select $2, 'job', $5, $6, 'owner', 'schedule', $1, $2, $1, $7::int, now() + $8::bigint * interval '1 millisecond'
    from changed)
  select is_free, exists (select 1 from changed) from known`

/**
 * Queues a job of a schedule at once, beside its ticks; of a paused one as well.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function runScheduleNow(
  options: ScheduleOptions & { readonly queueSignal: WakeSignal },
  name: string,
): Promise<ActionResult<{ readonly name: string; readonly jobId: string }>> {
  const { database, schedules, clockOffsetMs, queueSignal } = options
  const schedule = schedules.find((each) => each.name === name)
  const { rows } = await readScheduleRows(database, clockOffsetMs())
  const row = rows.find((each) => each.name === name)
  if (!schedule || !row) return noSuchSchedule(name)
  const jobId = `${name}:now:${uuidv7()}`
  const { action, input, maxAttempts, overlap } = schedule
  const params = [name, jobId, overlap === 'queue', row.lastJob, `${JOB_LANE}${action}`, input, maxAttempts]
  const made = await database.write({ sql: RUN, params: [...params, clockOffsetMs()] })
  const [isFree, isMade] = made.rows[0] ?? []
  if (isFree !== true)
    return fail('CONFLICT', `A job of the schedule ${quote(name)} is not done yet; it would overlap.`)
  if (isMade !== true) return changedMeanwhile(name)
  queueSignal.wake()
  return ok({ name, jobId })
}

function noSuchSchedule(name: string): Failure {
  return fail('NOT_FOUND', `There is no schedule ${quote(name)}; it is named as in server/schedules.ts.`)
}

function changedMeanwhile(name: string): Failure {
  return fail('CONFLICT', `The schedule ${quote(name)} changed at this moment; look at it again.`)
}
