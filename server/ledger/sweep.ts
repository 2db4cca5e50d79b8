import type { Database } from '../db/database.ts'
import { bookHolds } from './close.ts'

const BATCH = 200
/** Any constant: of several servers one sweeps at a time. */
const SWEEP_LOCK = 4_711_004
/** Budgets of days that are over are of no use but to look at. */
const KEEP_DAYS = 40

// What was only reserved is refunded; what was sent may have happened, and is charged at what was set aside for it. A
// message that waits in the outbox keeps its hold: whoever sends it looks after it.
const SWEEP = `
  with turn as materialized (select pg_try_advisory_xact_lock(${SWEEP_LOCK}) as mine),
  closed as (
    delete from deputy.credit_holds where effect in (
      select effect from deputy.credit_holds as hold
      where (select mine from turn) and lease_until < now()
        and not exists (select 1 from deputy.outbox where outbox.id = hold.effect and outbox.state = 'queued')
      order by lease_until limit ${BATCH} for update skip locked)
    returning *),
  hold as materialized (
    select closed.*, case state when 'sent' then amount else 0 end as cost,
      case state when 'sent' then 'unknown' else 'nothing' end as outcome, null::int as duration_ms
    from closed),
  ${bookHolds()},
  old as (delete from deputy.budget_days where (select mine from turn)
    and day < (now() at time zone 'utc')::date - ${KEEP_DAYS})
  select count(*)::int from hold`

/** Resolves one batch of reservations whose holders have died. @returns how many. */
export async function sweepHolds(database: Database): Promise<number> {
  const { rows } = await database.write({ sql: SWEEP, params: [] })
  return Number(rows[0]?.[0])
}

/** Resolves all of them. */
export async function sweepAllHolds(database: Database): Promise<void> {
  while ((await sweepHolds(database)) >= BATCH);
}
