import type { Database } from '../db/database.ts'
import { bookHolds } from './close.ts'

const REFUND = `
  with closed as (
    delete from deputy.credit_holds as hold where effect in (select jsonb_array_elements_text($1::text::jsonb)) and holder = $2 and state = 'reserved'
      and not exists (select 1 from deputy.outbox where outbox.id = hold.effect)
    returning *),
  hold as materialized (select closed.*, 0::bigint as cost, 'nothing' as outcome, null::int as duration_ms from closed),
  ${bookHolds()}
  select count(*)::int from hold`

/** Gives back what a holder has set aside for effects that it will not cause. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function refund(database: Database, holder: string, effects: readonly string[]): Promise<void> {
  await database.write({ sql: REFUND, params: [JSON.stringify(effects), holder] })
}
