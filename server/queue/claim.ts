import type { Database } from '../db/database.ts'
import type { QueuedMessage } from './message.ts'

/** A message that a server has claimed to send it. */
export interface ClaimedMessage extends QueuedMessage {
  /** Which attempt this is, from 1 on. */
  readonly attempt: number
  /** Whether an attempt before may have arrived. */
  readonly isUnknown: boolean
}

/** How many messages one server sends to one endpoint at a time. */
export const MAX_OF_ENDPOINT = 8
/** How many messages one server sends to one integration at a time. */
export const MAX_OF_INTEGRATION = 16

/** How many messages are being sent by this server, by endpoint or by integration. */
export type InFlight = Readonly<Record<string, number>>

// Endpoints take turns, each with as many of its oldest as it has room for: one that hangs holds its own room alone.
// Which there are is looked up in the index, from one to the next, so that no backlog has to be read for it.
// A server skips the rows that another has locked. When a server dies, its messages are free again once their lease has
// ended; what it had sent may have arrived.
const CLAIM = `
  with recursive waiting (endpoint) as (
    (select endpoint from deputy.outbox where state = 'queued' order by endpoint limit 1)
    union all
    select (select next.endpoint from deputy.outbox as next where next.state = 'queued' and next.endpoint > waiting.endpoint
      order by next.endpoint limit 1)
    from waiting where waiting.endpoint is not null),
  ours as materialized (
    select ours.id, ours.due_at, split_part(waiting.endpoint, '/', 1) as integration,
      row_number() over (partition by waiting.endpoint order by ours.due_at, ours.id) as turn
    from waiting cross join lateral (
      select id, due_at from deputy.outbox
      where state = 'queued' and endpoint = waiting.endpoint and due_at <= now() order by due_at
      limit greatest(0, ${MAX_OF_ENDPOINT} - coalesce(($4::jsonb ->> waiting.endpoint)::int, 0))
      for update skip locked) as ours
    where waiting.endpoint is not null),
  fitting as (
    select id, due_at, turn, integration,
      row_number() over (partition by integration order by turn, due_at) as turn_of_integration
    from ours),
  due as materialized (
    select id from fitting
    where turn_of_integration <= ${MAX_OF_INTEGRATION} - coalesce(($5::jsonb ->> integration)::int, 0)
    order by turn, due_at limit $3::int)
  update deputy.outbox as it set token = $1, attempts = it.attempts + 1, due_at = now() + $2::int * interval '1 millisecond',
    is_unknown = it.is_unknown or exists (
      select 1 from deputy.credit_holds as hold where hold.effect = it.id and hold.state = 'sent')
  from due where it.id = due.id
  returning it.id, it.endpoint, it.data, it.payer, it.caller, it.action, it.invocation, it.attempts, it.is_unknown`

export interface ClaimOptions {
  /** The fencing token of this claim. */
  readonly token: string
  readonly leaseMs: number
  /** How many at most. */
  readonly limit: number
  /** @default none */
  readonly byEndpoint?: InFlight
  /** @default none */
  readonly byIntegration?: InFlight
}

/** Claims messages that are due. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function claimMessages(
  database: Database,
  { token, leaseMs, limit, byEndpoint = {}, byIntegration = {} }: ClaimOptions,
): Promise<ClaimedMessage[]> {
  const params = [token, leaseMs, limit, JSON.stringify(byEndpoint), JSON.stringify(byIntegration)]
  const { rows } = await database.write({ sql: CLAIM, params })
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
