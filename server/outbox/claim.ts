import type { Database } from '../db/database.ts'
import type { QueuedMessage } from './message.ts'

/** A message that a server has taken to send it. */
export interface ClaimedMessage extends QueuedMessage {
  /** Which attempt this is, from 1 on. */
  readonly attempt: number
  /** Whether an attempt before may have arrived. */
  readonly isUnknown: boolean
}

// Whoever comes at the same time passes over what is locked. A server that dies in the middle is passed over when the
// time is over that it took the messages for; what it had sent may have arrived.
const CLAIM = `
  with due as materialized (
    select id from outbox where state = 'queued' and due_at <= now()
    order by due_at limit $3::int for update skip locked)
  update outbox as it set token = $1, attempts = it.attempts + 1, due_at = now() + $2::int * interval '1 millisecond',
    is_unknown = it.is_unknown or exists (
      select 1 from credit_holds as hold where hold.effect = it.id and hold.state = 'sent')
  from due where it.id = due.id
  returning it.id, it.endpoint, it.data, it.payer, it.caller, it.action, it.invocation, it.attempts, it.is_unknown`

export interface ClaimOptions {
  /** The fencing token of this taking. */
  readonly token: string
  readonly leaseMs: number
  /** How many at most. */
  readonly limit: number
}

/** Takes messages that are due. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function claimMessages(
  database: Database,
  { token, leaseMs, limit }: ClaimOptions,
): Promise<ClaimedMessage[]> {
  const { rows } = await database.write({ sql: CLAIM, params: [token, leaseMs, limit] })
  return rows.map(([id, endpoint, data, payer, caller, action, invocation, attempt, isUnknown]) => ({
    id: String(id),
    endpoint: String(endpoint),
    data: JSON.parse(String(data)),
    payer: payer === 'caller' ? 'caller' : 'owner',
    caller: caller === null ? null : String(caller),
    action: String(action),
    invocation: String(invocation),
    attempt: Number(attempt),
    isUnknown: isUnknown === true,
  }))
}
