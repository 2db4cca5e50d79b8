import type { Database } from '../db/database.ts'
import { bookReservations } from './settle.ts'

const REFUND = `
  with closed as (
    delete from deputy.credit_holds as hold where effect in (select jsonb_array_elements_text($1::text::jsonb)) and holder = $2 and state = 'reserved'
      and not exists (select 1 from deputy.queue as work where work.id = hold.effect)
    returning *),
  hold as materialized (select closed.*, 0::bigint as cost, 'nothing' as outcome, null::int as duration_ms, null::int as status from closed),
  ${bookReservations()}
  select count(*)::int from hold`

/** Refunds a holder's reservations for side effects that will not happen. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function refund(
  database: Database,
  holder: string,
  effectIds: readonly string[],
): Promise<void> {
  await database.write({ sql: REFUND, params: [JSON.stringify(effectIds), holder] })
}
