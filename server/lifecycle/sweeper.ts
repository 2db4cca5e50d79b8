import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import { sweepAllReservations } from '../ledger/sweep.ts'

export interface SweeperOptions {
  readonly database: Database
  readonly log: Logger
  /** How often expired keys are looked for. @default 600000 */
  readonly intervalMs?: number
  /** How often reservations are looked for whose holders have died. @default 15000 */
  readonly holdsIntervalMs?: number
}

const INTERVAL_MS = 600_000
const HOLDS_INTERVAL_MS = 15_000
const BATCH = 500
/** Any constant: of several servers one sweeps at a time. */
const SWEEP_LOCK = 4_711_003

// A key lives for 24 hours, and longer while a call is at work on it. Its answer and its journal go with it.
const SWEEP = `
  with turn as materialized (select pg_try_advisory_xact_lock(${SWEEP_LOCK}) as mine),
  old as (
    select actor, action, key from deputy.idempotency_claims
    where (select mine from turn) and created_at < now() - interval '24 hours' and lease_until < now()
    order by created_at limit ${BATCH}),
  stray as (
    select actor, action, key from deputy.idempotency_results as result
    where (select mine from turn) and created_at < now() - interval '25 hours' and not exists (
      select 1 from deputy.idempotency_claims as claim
      where claim.actor = result.actor and claim.action = result.action and claim.key = result.key)
    order by created_at limit ${BATCH}),
  lost as (
    select actor, action, key from deputy.journal_steps as step
    where (select mine from turn) and created_at < now() - interval '25 hours' and not exists (
      select 1 from deputy.idempotency_claims as claim
      where claim.actor = step.actor and claim.action = step.action and claim.key = step.key)
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

/** Sweeps up now and then what dead servers and old calls have left. @returns a function that stops it. */
export function startSweeper(options: SweeperOptions): () => void {
  const { database, log, intervalMs = INTERVAL_MS, holdsIntervalMs = HOLDS_INTERVAL_MS } = options
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
    every(holdsIntervalMs, 'Reservations of dead servers', () => sweepAllReservations(database)),
  ]
  return () => timers.forEach(clearInterval)
}
