import { LOCK_PATIENCE } from '../db/batches.ts'
import type { Database } from '../db/database.ts'
import { bookHolds, type HoldClosing } from './close.ts'

/** What came of an effect, and who had set money aside for it. */
export interface ClosingOrder extends HoldClosing {
  readonly effect: string
  /** Fences off whoever lost the hold to another holder. */
  readonly holder: string
}

const CLOSE_BATCH = `
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
  ${bookHolds()}
  select 1`

/**
 * Settles or refunds several holds at once. A hold that is not its holder's any more is left as it is.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout} when none of them is closed, or nobody knows; it may be repeated.
 */
export async function closeBatch(database: Database, orders: readonly ClosingOrder[]): Promise<void> {
  const wanted = orders.map(({ effect, holder, outcome, cost, durationMs }) => ({
    effect,
    holder,
    outcome,
    most: cost,
    duration_ms: durationMs === undefined ? null : Math.round(durationMs),
  }))
  await database.write({ sql: CLOSE_BATCH, params: [JSON.stringify(wanted)] })
}
