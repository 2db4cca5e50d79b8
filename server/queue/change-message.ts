import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import type { Database } from '../db/database.ts'
import type { Integrations } from '../integrations/integrations.ts'
import { bookReservations, refund } from '../ledger/settle.ts'
import { planMessage } from './plan-message.ts'
import { type ReservationContext, renewReservation } from './renew-reservation.ts'
import type { WakeSignal } from './wake-signal.ts'
import type { QueuedMessage } from './work.ts'

export interface RetryMessageOptions extends ReservationContext {
  readonly integrations: Integrations
  readonly queueSignal: WakeSignal
}

/** How long a reservation lasts until the message is queued and owns it. */
const LEASE_MS = 60_000

const LOOK = `
  select lane, data, payer, caller, action, invocation, state = 'dead',
    exists (select 1 from deputy.credit_entries where effect = queue.id and kind = 'settle'), acted_by
  from deputy.queue where id = $1 and kind = 'message'`

const QUEUE = `
  with found as materialized (
    select state, token is not null and due_at > now() as is_being_sent
    from deputy.queue where id = $1 and kind = 'message' for update),
  changed as (
    update deputy.queue set state = 'queued', due_at = now(), attempts = case state when 'dead' then 0 else attempts end,
      ended_at = null
    where id = $1 and exists (select 1 from found where not is_being_sent and (state = 'queued' or $2::boolean))
    returning 1)
  select is_being_sent, exists (select 1 from changed) from found`

/**
 * Sends a waiting or dead message now. A dead one is paid for again, unless it was charged already because it may have
 * arrived.
 *
 * @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function retryMessage(
  options: RetryMessageOptions,
  id: string,
): Promise<ActionResult<{ readonly id: string }>> {
  const { database, queueSignal } = options
  const found = await look(options, id)
  if (!found) return noSuchMessage(id)
  const holder = uuidv7()
  if (found.isDead) {
    const refused = await payFor(options, found, holder)
    if (refused) return refused
  }
  const { rows } = await database.write({ sql: QUEUE, params: [id, found.isDead] })
  const [isBeingSent, isQueued] = rows[0] ?? []
  if (isQueued === true) {
    queueSignal.wake()
    return ok({ id })
  }
  // It was dropped, or sent after another retry: the reservation has no use.
  if (rows.length === 0) {
    await refund(database, holder, [id])
    return noSuchMessage(id)
  }
  return isBeingSent === true
    ? beingSent(id)
    : fail('CONFLICT', 'The message was given up at this moment; retry it again.')
}

interface FoundMessage extends QueuedMessage {
  readonly isDead: boolean
  /** Whether it is paid for: it was charged when it became dead. */
  readonly isCharged: boolean
}

async function look({ database }: RetryMessageOptions, id: string): Promise<FoundMessage | undefined> {
  const { rows } = await database.query({ sql: LOOK, params: [id] })
  if (!rows[0]) return undefined
  const [endpoint, data, payer, caller, action, invocation, isDead, isCharged, actedBy] = rows[0]
  return {
    id,
    endpoint: String(endpoint),
    data: JSON.parse(String(data)),
    payer: payer === 'caller' ? 'caller' : 'owner',
    caller: caller === null ? null : String(caller),
    actedBy: typeof actedBy === 'string' ? actedBy : null,
    action: String(action),
    invocation: String(invocation),
    isDead: isDead === true,
    isCharged: isCharged === true,
  }
}

async function payFor(
  options: RetryMessageOptions,
  message: FoundMessage,
  holder: string,
): Promise<Failure | undefined> {
  const plan = planMessage(options.integrations, message)
  if (!plan.success) return plan
  if (message.isCharged) return undefined
  return renewReservation(options, message, plan.data, { holder, leaseMs: LEASE_MS })
}

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

function noSuchMessage(id: string): Failure {
  return fail('NOT_FOUND', `There is no message ${JSON.stringify(id)}; one that has arrived is gone.`)
}

function beingSent(id: string): Failure {
  return fail('CONFLICT', `The message ${JSON.stringify(id)} is being sent; look again shortly.`, {
    details: { retryAfterSeconds: 5 },
  })
}
