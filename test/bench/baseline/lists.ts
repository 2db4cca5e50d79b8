import type postgres from 'postgres'
import { type Answer, ok, refused } from './answer.ts'

/** The columns that every table has, as postgres.js names them. */
interface SystemRow {
  readonly record_id: string
  readonly created_by: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly version: number
}

/** The attendees of an event, for whoever it belongs to; the newest first. */
export async function listAttendees(
  sql: postgres.Sql,
  userId: string,
  { eventId, limit = 50 }: { readonly eventId: string; readonly limit?: number },
): Promise<Answer> {
  const [event] = await sql<{ created_by: string }[]>`
    select created_by from events where record_id = ${eventId}`
  if (event?.created_by !== userId) return refused(404, 'NOT_FOUND', 'There is no such event.')
  const rows = await sql<(SystemRow & { event_id: string; attendee_id: string; status: string })[]>`
    select record_id, created_by, created_at, updated_at, version, event_id, attendee_id, status
    from attendees where event_id = ${eventId}
    order by created_at desc, record_id desc limit ${limit + 1}`
  const records = rows
    .slice(0, limit)
    .map((row) => envelope(row, { eventId: row.event_id, attendeeId: row.attendee_id, status: row.status }))
  return ok({ records, nextCursor: cursorAfter(rows, limit) })
}

/** The caller's own notes, the newest first. */
export async function listNotes(sql: postgres.Sql, userId: string, limit: number): Promise<Answer> {
  const rows = await sql<(SystemRow & { body: string })[]>`
    select record_id, created_by, created_at, updated_at, version, body
    from notes where created_by = ${userId}
    order by created_at desc, record_id desc limit ${limit + 1}`
  const records = rows.slice(0, limit).map((row) => envelope(row, { body: row.body }))
  return ok({ records, count: records.length, nextCursor: cursorAfter(rows, limit) })
}

function envelope(row: SystemRow, data: object) {
  return {
    recordId: row.record_id,
    data,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  }
}

/** Where the next page begins; null when there is none. */
function cursorAfter(rows: readonly SystemRow[], limit: number): string | null {
  const last = rows[limit - 1]
  if (rows.length <= limit || !last) return null
  return Buffer.from(JSON.stringify([last.created_at, last.record_id])).toString('base64url')
}
