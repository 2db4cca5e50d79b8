import type { Logger } from 'pino'
import type { Database } from './db/database.ts'

export interface SweeperOptions {
  readonly database: Database
  readonly log: Logger
  /** How often expired keys are looked for. @default 600000 */
  readonly intervalMs?: number
}

const INTERVAL_MS = 600_000
const BATCH = 500
/** Any constant: of several servers one sweeps at a time. */
const SWEEP_LOCK = 4_711_003

// A key lives for 24 hours, and longer while a call is at work on it. Its answer and its journal go with it.
const SWEEP = `
  with turn as materialized (select pg_try_advisory_xact_lock(${SWEEP_LOCK}) as mine),
  old as (
    select actor, action, key from idempotency_claims
    where (select mine from turn) and created_at < now() - interval '24 hours' and lease_until < now()
    order by created_at limit ${BATCH}),
  stray as (
    select actor, action, key from idempotency_results as result
    where (select mine from turn) and created_at < now() - interval '25 hours' and not exists (
      select 1 from idempotency_claims as claim
      where claim.actor = result.actor and claim.action = result.action and claim.key = result.key)
    order by created_at limit ${BATCH}),
  lost as (
    select actor, action, key from journal_steps as step
    where (select mine from turn) and created_at < now() - interval '25 hours' and not exists (
      select 1 from idempotency_claims as claim
      where claim.actor = step.actor and claim.action = step.action and claim.key = step.key)
    order by created_at limit ${BATCH}),
  gone as (select * from old union select * from stray union select * from lost),
  claims as (delete from idempotency_claims as it using gone
    where it.actor = gone.actor and it.action = gone.action and it.key = gone.key),
  results as (delete from idempotency_results as it using gone
    where it.actor = gone.actor and it.action = gone.action and it.key = gone.key),
  steps as (delete from journal_steps as it using gone
    where it.actor = gone.actor and it.action = gone.action and it.key = gone.key)
  select count(*)::int from gone`

/** Deletes one batch of expired keys. @returns how many. */
export async function sweepKeys(database: Database): Promise<number> {
  const { rows } = await database.write({ sql: SWEEP, params: [] })
  return Number(rows[0]?.[0])
}

/** Sweeps expired keys now and then. @returns a function that stops it. */
export function startSweeper({ database, log, intervalMs = INTERVAL_MS }: SweeperOptions): () => void {
  const sweep = async () => {
    try {
      while ((await sweepKeys(database)) >= BATCH);
    } catch (error) {
      log.warn({ err: error }, 'Expired idempotency keys could not be swept; it is tried again later')
    }
  }
  const timer = setInterval(() => void sweep(), intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}
