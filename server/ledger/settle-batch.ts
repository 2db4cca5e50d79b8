import { LOCK_PATIENCE } from '../db/batches.ts'
import type { Database } from '../db/database.ts'
import { bookReservations, type Settlement } from './settle.ts'

/** A reservation to be settled. */
export interface SettlementOrder extends Settlement {
  readonly effectId: string
  /** Excludes a holder who lost the reservation to another. */
  readonly holder: string
}

const SETTLE_BATCH = `
  with patience as materialized (${LOCK_PATIENCE}),
  wanted as materialized (
    select * from jsonb_to_recordset($1::text::jsonb)
      as it(effect text, holder text, outcome text, most bigint, duration_ms int)),
  closed as (
    delete from deputy.credit_holds as it using wanted
    where it.effect = wanted.effect and it.holder = wanted.holder and (select count(*) from patience) > 0
    returning it.*, wanted.outcome, wanted.most, wanted.duration_ms),
  hold as materialized (
    select *, case when outcome = 'nothing' then 0 else least(most, amount) end as cost from closed),
  ${bookReservations()}
  select 1`

/**
 * Settles or refunds several reservations in one statement. One that another holder has taken over is left as it is.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout} when none is settled, or the outcome is unknown; it may be repeated.
 */
export async function settleBatch(database: Database, orders: readonly SettlementOrder[]): Promise<void> {
  const wanted = orders.map(({ effectId, holder, outcome, cost, durationMs }) => ({
    effect: effectId,
    holder,
    outcome,
    most: cost,
    duration_ms: durationMs === undefined ? null : Math.round(durationMs),
  }))
  await database.write({ sql: SETTLE_BATCH, params: [JSON.stringify(wanted)] })
}
