import type { Database } from '../db/database.ts'
import type { Schedule } from './schedule.ts'
import type { ScheduleRow } from './schedule-rows.ts'
import { newestTick, nextTick } from './schedule-times.ts'
import { JOB_LANE } from './work.ts'

/** What comes later than that was missed: no server was there. */
export const MAX_LATE_MS = 60_000

/** `skipped` because the job before was not done; `missed` while no server was there. */
export type TickOutcome = 'queued' | 'skipped' | 'missed'

/** What is due of one schedule. */
export interface TickPlan {
  /** The newest time that is due. */
  readonly newest: Date
  /** When it ticks then; undefined for never. */
  readonly next: Date | undefined
  /** In order; none for ticks that were missed and are skipped. */
  readonly jobs: readonly { readonly id: string; readonly due: Date }[]
}

/**
 * Plans what is due of a schedule. Each tick is a job of its own, since a server that is late has missed none. After an
 * outage, when the oldest of them is more than a minute late, they are one job together, or none.
 */
export function planTicks(
  { name, times, missed }: Pick<Schedule, 'name' | 'times' | 'missed'>,
  nextAt: number,
  now: number,
): TickPlan {
  const oldest = new Date(nextAt)
  const isOutage = now - nextAt > MAX_LATE_MS
  const due = isOutage ? [lastOf(times, oldest, now)] : allOf(times, oldest, now)
  const newest = due.at(-1) ?? oldest
  return {
    newest,
    next: nextTick(times, new Date(Math.max(now, newest.getTime()))),
    jobs:
      isOutage && missed === 'skip' ? [] : due.map((at) => ({ id: `${name}:${at.toISOString()}`, due: at })),
  }
}

function lastOf(times: Schedule['times'], oldest: Date, now: number): Date {
  const newest = newestTick(times, new Date(now))
  return newest && newest > oldest ? newest : oldest
}

function allOf(times: Schedule['times'], oldest: Date, now: number): Date[] {
  const due = [oldest]
  for (let at = nextTick(times, oldest); at && at.getTime() <= now; at = nextTick(times, at)) due.push(at)
  return due
}

/** Jobs of one schedule that wait at most: what it does takes longer than it is between its ticks. */
const MAX_WAITING = 1_000

// Whoever moves the time of the next tick queues its jobs, in the same statement: one server does, or none. A job that
// was queued by hand meanwhile has changed `last_job`, and is looked at by the next attempt.
const TICK = `
  with known as materialized (
    select (select count(*) from (
      select 1 from deputy.queue where series = $1 and lane = $7 and state = 'queued' limit ${MAX_WAITING}) as waiting)
      < case when $8::boolean then ${MAX_WAITING} else 1 end as is_free),
  moved as (
    update deputy.schedules as it set next_at = $4::timestamptz, last_at = $5::timestamptz,
      last_outcome = case when $9::jsonb = '[]'::jsonb then 'missed' when known.is_free then 'queued' else 'skipped' end,
      last_job = case when known.is_free then coalesce($9::jsonb -> -1 ->> 'id', it.last_job) else it.last_job end,
      last_error = case when known.is_free and $9::jsonb <> '[]'::jsonb then null else it.last_error end
    from known
    where it.name = $1 and it.definition = $2 and it.next_at = $3::timestamptz and not it.is_paused
      and it.last_job is not distinct from $6::text
    returning it.last_outcome),
  made as (
    insert into deputy.queue
      (id, kind, lane, data, run_as, source, action, invocation, series, max_attempts, due_at)
    select job.id, 'job', $7, $10, 'owner', 'schedule', $1, job.id, $1, $11::int, job.due
    from moved cross join jsonb_to_recordset($9::jsonb) as job(id text, due timestamptz)
    where moved.last_outcome = 'queued'
    on conflict (id) do nothing)
  select last_outcome from moved`

/**
 * Moves a schedule on, and queues its jobs.
 *
 * @returns undefined when it is no more as it was read: another server has done it, or someone has paused it.
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function saveTicks(
  database: Database,
  { name, definition, action, input, overlap, maxAttempts }: Schedule,
  { nextAt, lastJob }: Pick<ScheduleRow, 'lastJob'> & { readonly nextAt: number },
  { next, newest, jobs }: TickPlan,
): Promise<TickOutcome | undefined> {
  const params = [
    name,
    definition,
    new Date(nextAt).toISOString(),
    next?.toISOString() ?? null,
    newest.toISOString(),
    lastJob,
    `${JOB_LANE}${action}`,
    overlap === 'queue',
    JSON.stringify(jobs),
    input,
    maxAttempts,
  ]
  const { rows } = await database.write({ sql: TICK, params })
  const outcome = rows[0]?.[0]
  return outcome === 'queued' || outcome === 'skipped' || outcome === 'missed' ? outcome : undefined
}
