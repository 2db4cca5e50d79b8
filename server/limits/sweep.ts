import type { Database } from '../db/database.ts'

const BATCH = 1_000

// It waits for no one: whoever charges these buckets has them first.
const SWEEP = `
  delete from deputy.rate_limits where key in (
    select key from deputy.rate_limits where full_at < (extract(epoch from now()) * 1000000)::bigint
    limit ${BATCH} for update skip locked)
  returning 1`

/** Deletes the buckets that are full again, a batch at a time. */
export async function sweepRateLimits(database: Pick<Database, 'write'>): Promise<void> {
  for (;;) {
    const { rows } = await database.write({ sql: SWEEP, params: [] })
    if (rows.length < BATCH) return
  }
}
