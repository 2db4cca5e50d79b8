import type postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { type Answer, ok, refused } from './answer.ts'

/** Who asks, for the audit. */
export interface Caller {
  readonly userId: string
  readonly requestId: string
  readonly ip: string
}

export interface NewEvent {
  readonly title: string
  readonly startsAt: string
  readonly capacity: number
}

export interface Invitation {
  readonly eventId: string
  readonly attendeeId: string
}

export async function createEvent(
  tx: postgres.TransactionSql,
  caller: Caller,
  input: NewEvent,
): Promise<Answer> {
  const recordId = uuidv7()
  await tx`
    insert into events (record_id, created_by, created_at, updated_at, title, starts_at, capacity)
    values (${recordId}, ${caller.userId}, now(), now(), ${input.title}, ${input.startsAt}, ${input.capacity})`
  await audit(tx, caller, 'createEvent', input, [['create', 'events', recordId]])
  return ok({ recordId })
}

export async function inviteAttendee(
  tx: postgres.TransactionSql,
  caller: Caller,
  input: Invitation,
): Promise<Answer> {
  const { eventId, attendeeId } = input
  const [event] = await tx<{ created_by: string; attendee_count: number; capacity: number }[]>`
    select created_by, attendee_count, capacity from events where record_id = ${eventId}`
  if (!event || event.created_by !== caller.userId)
    return refused(404, 'NOT_FOUND', 'There is no such event.')
  if (event.attendee_count >= event.capacity)
    return refused(409, 'CONFLICT', `The event is full: all ${event.capacity} places are taken.`)
  await tx`
    update events set attendee_count = attendee_count + 1, version = version + 1, updated_at = now()
    where record_id = ${eventId}`
  const recordId = uuidv7()
  const invited = await tx`
    insert into attendees (record_id, created_by, created_at, updated_at, event_id, attendee_id)
    values (${recordId}, ${caller.userId}, now(), now(), ${eventId}, ${attendeeId})
    on conflict do nothing`
  if (invited.count === 0) throw new AlreadyInvited()
  await audit(tx, caller, 'inviteAttendee', input, [
    ['update', 'events', eventId],
    ['create', 'attendees', recordId],
  ])
  return ok({ recordId })
}

/** Thrown to roll the count back. */
export class AlreadyInvited extends Error {
  override readonly name = 'AlreadyInvited'
}

type Write = readonly [operation: string, table: string, id: string]

/** Leaves a row of the call, in its own transaction. */
async function audit(
  tx: postgres.TransactionSql,
  { userId, requestId, ip }: Caller,
  action: string,
  input: object,
  writes: readonly Write[],
): Promise<void> {
  await tx`
    insert into audit_log (request_id, actor, action, input, writes, ip)
    values (${requestId}, ${userId}, ${action}, ${JSON.stringify(input)}::text::jsonb,
      ${JSON.stringify(writes)}::text::jsonb, ${ip})`
}
