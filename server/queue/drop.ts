import { type ActionResult, ok } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import { bookReservations } from '../ledger/settle.ts'
import { beingSent, noSuchMessage } from './refusals.ts'

const DROP = `
  with found as materialized (
    select id, is_unknown, token is not null and due_at > now() as is_being_sent
    from deputy.queue where id = $1 and kind = 'message' for update),
  ours as materialized (select id, is_unknown from found where not is_being_sent),
  closed as (delete from deputy.credit_holds where effect in (select id from ours) returning *),
  known as materialized (
    select closed.*, ours.is_unknown or closed.state = 'sent' as may_have_arrived
    from closed join ours on ours.id = closed.effect),
  hold as materialized (
    select *, case when may_have_arrived then amount else 0 end as cost,
      case when may_have_arrived then 'unknown' else 'nothing' end as outcome, null::int as duration_ms, null::int as status
    from known),
  ${bookReservations()},
  gone as (delete from deputy.queue where id in (select id from ours))
  select is_being_sent from found`

/**
 * Deletes a message for good. Its reservation is refunded, or charged if the message may have arrived.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function dropMessage(
  database: Database,
  id: string,
): Promise<ActionResult<{ readonly id: string }>> {
  const { rows } = await database.write({ sql: DROP, params: [id] })
  const [isBeingSent] = rows[0] ?? []
  if (isBeingSent === undefined) return noSuchMessage(id)
  return isBeingSent === true ? beingSent(id) : ok({ id })
}
