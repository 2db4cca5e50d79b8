import type { Database } from '../db/database.ts'

/** How long minutes are kept. */
export const ROLLUP_DAYS = 7
const BATCH = 5_000

const SWEEP = `
  delete from deputy.call_minutes where (minute, action, outcome) in (
    select minute, action, outcome from deputy.call_minutes
    where minute < now() - ${ROLLUP_DAYS} * interval '1 day' - interval '1 hour'
    order by minute limit ${BATCH} for update skip locked)
  returning 1`

/** Deletes the minutes of calls that are too old, a batch at a time. */
export async function sweepRollup(database: Pick<Database, 'write'>): Promise<void> {
  for (;;) {
    const { rows } = await database.write({ sql: SWEEP, params: [] })
    if (rows.length < BATCH) return
  }
}
