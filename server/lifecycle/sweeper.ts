import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import { ROUTE_KEYS } from '../invocation/idempotency.ts'
import { sweepAllReservations } from '../ledger/sweep.ts'
import { sweepRateLimits } from '../limits/shared-buckets.ts'
import { JOB_KEYS } from '../queue/change-job.ts'
import { sweepRollup } from '../rollup/sweep.ts'

export interface SweeperOptions {
  readonly database: Database
  readonly log: Logger
  /** How many days jobs are kept that are done. @default 7 */
  readonly jobsKeptDays?: number
  /** How often expired keys are looked for. @default 600000 */
  readonly intervalMs?: number
  /** How often reservations are looked for whose holders have died. @default 15000 */
  readonly holdsIntervalMs?: number
  /** How often rate limits are looked for that no one is near any more. @default 60000 */
  readonly limitsIntervalMs?: number
}

const INTERVAL_MS = 600_000
const HOLDS_INTERVAL_MS = 15_000
const LIMITS_INTERVAL_MS = 60_000
const BATCH = 500
const JOBS_KEPT_DAYS = 7
/** Any constant: of several servers one sweeps at a time. */
const SWEEP_LOCK = 4_711_003

/** Whether nothing can come again under a key of the app's own; a caller's key is no such one. */
const isOver = (row: string) => `case
      when ${row}.action like '${JOB_KEYS}:%' then not exists (
        select 1 from deputy.queue as work where work.id = ${row}.key and work.state <> 'done')
      when ${row}.action like '${ROUTE_KEYS}:%' then ${row}.created_at < now() - interval '30 days'
      else true end`

// A key lives for 24 hours, and longer while a call is at work on it. Its answer and its journal go with it. The key of a
// job lives as long as the job waits; those of routes live for 30 days, since providers send again for days.
const SWEEP = `
  with turn as materialized (select pg_try_advisory_xact_lock(${SWEEP_LOCK}) as mine),
  old as (
    select actor, action, key from deputy.idempotency_claims
    where (select mine from turn) and created_at < now() - interval '24 hours' and lease_until < now()
      and ${isOver('idempotency_claims')}
    order by created_at limit ${BATCH}),
  stray as (
    select actor, action, key from deputy.idempotency_results as result
    where (select mine from turn) and created_at < now() - interval '25 hours' and not exists (
      select 1 from deputy.idempotency_claims as claim
      where claim.actor = result.actor and claim.action = result.action and claim.key = result.key)
      and ${isOver('result')}
    order by created_at limit ${BATCH}),
  lost as (
    select actor, action, key from deputy.journal_steps as step
    where (select mine from turn) and created_at < now() - interval '25 hours' and not exists (
      select 1 from deputy.idempotency_claims as claim
      where claim.actor = step.actor and claim.action = step.action and claim.key = step.key)
      and ${isOver('step')}
    order by created_at limit ${BATCH}),
  gone as (select * from old union select * from stray union select * from lost),
  claims as (delete from deputy.idempotency_claims as it using gone
    where it.actor = gone.actor and it.action = gone.action and it.key = gone.key),
  results as (delete from deputy.idempotency_results as it using gone
    where it.actor = gone.actor and it.action = gone.action and it.key = gone.key),
  steps as (delete from deputy.journal_steps as it using gone
    where it.actor = gone.actor and it.action = gone.action and it.key = gone.key)
  select count(*)::int from gone`

/** Deletes one batch of expired keys. @returns how many. */
export async function sweepKeys(database: Database): Promise<number> {
  const { rows } = await database.write({ sql: SWEEP, params: [] })
  return Number(rows[0]?.[0])
}

// Whatever a job's own history says stays in the audit.
const SWEEP_JOBS = `
  with old as (
    select id from deputy.queue where state = 'done' and ended_at < now() - $1::int * interval '1 day'
    order by ended_at limit ${BATCH} for update skip locked)
  delete from deputy.queue where id in (select id from old) returning 1`

/** Deletes one batch of jobs that were done so many days ago. @returns how many. */
export async function sweepJobs(database: Database, keptDays: number): Promise<number> {
  const { rows } = await database.write({ sql: SWEEP_JOBS, params: [keptDays] })
  return rows.length
}

/** Sweeps up now and then what dead servers and old calls have left. @returns a function that stops it. */
export function startSweeper(options: SweeperOptions): () => void {
  const {
    database,
    log,
    jobsKeptDays = JOBS_KEPT_DAYS,
    intervalMs = INTERVAL_MS,
    holdsIntervalMs = HOLDS_INTERVAL_MS,
    limitsIntervalMs = LIMITS_INTERVAL_MS,
  } = options
  const every = (ms: number, what: string, sweep: () => Promise<void>) => {
    const timer = setInterval(() => {
      sweep().catch((error: unknown) =>
        log.warn({ err: error }, `${what} could not be swept; it is tried again later`),
      )
    }, ms)
    return timer.unref()
  }
  const timers = [
    every(intervalMs, 'Expired idempotency keys', async () => {
      while ((await sweepKeys(database)) >= BATCH);
    }),
    every(intervalMs, 'Jobs that are done', async () => {
      while ((await sweepJobs(database, jobsKeptDays)) >= BATCH);
    }),
    every(intervalMs, 'Minutes of calls', () => sweepRollup(database)),
    every(limitsIntervalMs, 'Rate limits', () => sweepRateLimits(database)),
    every(holdsIntervalMs, 'Reservations of dead servers', () => sweepAllReservations(database)),
  ]
  return () => timers.forEach(clearInterval)
}
