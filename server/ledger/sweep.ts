import type { Database } from '../db/database.ts'
import { bookReservations } from './settle.ts'

const BATCH = 200
/** Any constant: one server sweeps at a time. */
const SWEEP_LOCK = 4_711_004
/** How long the budgets of past days are kept, for people to look at. */
const KEEP_DAYS = 40

// A reservation that was not sent is refunded; a sent one may have happened, and is charged in full. A message in the
// queue keeps its reservation, which the dispatcher settles.
const SWEEP = `
  with turn as materialized (select pg_try_advisory_xact_lock(${SWEEP_LOCK}) as mine),
  closed as (
    delete from deputy.credit_holds where effect in (
      select effect from deputy.credit_holds as hold
      where (select mine from turn) and lease_until < now()
        and not exists (select 1 from deputy.queue as work where work.id = hold.effect and work.state = 'queued')
      order by lease_until limit ${BATCH} for update skip locked)
    returning *),
  hold as materialized (
    select closed.*, case state when 'sent' then amount else 0 end as cost,
      case state when 'sent' then 'unknown' else 'nothing' end as outcome, null::int as duration_ms, null::int as status
    from closed),
  ${bookReservations()},
  old as (delete from deputy.budget_days where (select mine from turn)
    and day < (now() at time zone 'utc')::date - ${KEEP_DAYS})
  select count(*)::int from hold`

/** Settles or refunds one batch of reservations whose leases have ended. @returns how many. */
export async function sweepReservations(database: Database): Promise<number> {
  const { rows } = await database.write({ sql: SWEEP, params: [] })
  return Number(rows[0]?.[0])
}

/** Settles or refunds all reservations whose leases have ended. */
export async function sweepAllReservations(database: Database): Promise<void> {
  while ((await sweepReservations(database)) >= BATCH);
}
