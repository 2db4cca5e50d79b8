import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { auditDetail, auditLog } from '../../drizzle/engine/system.ts'
import { type ActionResult, ok } from '../core/result.ts'
import { boundedList } from '../tools/bounded-list.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import {
  decodeInstantCursor,
  encodeInstantCursor,
  foreignCursor,
  type InstantPosition,
} from '../wire/cursor.ts'
import { pageFields } from '../wire/page-input.ts'
import { type AuditEntry, auditColumns, readAuditEntry } from './entry.ts'
import { AUDIT_OUTCOME_RULE, type AuditOutcome, isAuditOutcome } from './outcome.ts'

export const MAX_AUDIT_LIMIT = 200
const DEFAULT_LIMIT = 50

const text = z.string('must be text').min(1, 'must not be empty').optional()
const instant = z.date('must be a date and time with a zone, such as 2026-01-31T09:30:00Z').optional()

/** Which entries to list; every filter narrows. */
export const auditQuerySchema = z
  .strictObject({
    /** A user's id. */
    actor: text,
    action: text,
    /** Entries that wrote to this collection… */
    collection: text,
    /** …and to this record of it. */
    recordId: text,
    outcome: z.custom<AuditOutcome>(isAuditOutcome, AUDIT_OUTCOME_RULE).meta({ type: 'string' }).optional(),
    /** The earliest instant. */
    from: instant,
    /** The instant before which entries end. */
    to: instant,
    ...pageFields(MAX_AUDIT_LIMIT),
  })
  .refine(({ collection, recordId }) => recordId === undefined || collection !== undefined, {
    path: ['recordId'],
    message: 'needs collection beside it: ids are unique within one collection only',
  })
  .refine(({ from, to }) => !from || !to || from <= to, { path: ['to'], message: 'must not be before from' })

export type AuditQuery = z.output<typeof auditQuerySchema>

export interface AuditPage {
  /** Newest first. */
  readonly entries: readonly AuditEntry[]
  /** Of the next page; null on the last one. */
  readonly nextCursor: string | null
}

/** Lists entries of the audit log, newest first, a page at a time. Does not check whether the caller may read them. */
export async function queryAudit(
  runtime: Pick<ReadRuntime, 'execute'>,
  query: AuditQuery,
): Promise<ActionResult<AuditPage>> {
  const { limit = DEFAULT_LIMIT, cursor, direction: _direction, ...filters } = query
  const cursorScope = { list: 'audit', filters }
  const after = typeof cursor === 'string' ? decodeInstantCursor(cursorScope, cursor) : undefined
  if (typeof cursor === 'string' && !after) return foreignCursor('query', 'with the same filters')
  const { rows } = await runtime.execute(
    boundedList({
      columns: auditColumns(),
      rows: sql`from ${auditLog} left join ${auditDetail} on ${auditDetail.id} = ${auditLog.id}
        where ${sql.join(conditions(filters, after), sql` and `)}`,
      at: sql`${auditLog.at}`,
      id: sql`${auditLog.id}`,
      size: sql`octet_length(${auditLog.writes}::text) + coalesce(octet_length(${auditDetail.input}::text), 0)`,
      limit,
    }),
  )
  const entries = rows.map(readAuditEntry)
  const last = entries.at(-1)
  return ok({
    entries,
    nextCursor: last && rows.at(-1)?.at(-1) === true ? encodeInstantCursor(cursorScope, last) : null,
  })
}

function conditions(
  { actor, action, collection, recordId, outcome, from, to }: AuditQuery,
  after: InstantPosition | undefined,
): SQL[] {
  const { at, id } = auditLog
  // An element of the list holds both: containment is what its index answers.
  const written = JSON.stringify([{ collection, recordId }])
  return [
    sql`true`,
    actor !== undefined && sql`${auditLog.actor} = ${actor}`,
    action !== undefined && sql`${auditLog.action} = ${action}`,
    collection !== undefined && sql`${auditLog.writes} @> ${written}::text::jsonb`,
    outcome !== undefined && sql`${auditLog.outcome} = ${outcome}`,
    from && sql`${at} >= ${from.toISOString()}::timestamptz`,
    to && sql`${at} < ${to.toISOString()}::timestamptz`,
    after && sql`(${at}, ${id}) < (${after.at.toISOString()}::timestamptz, ${after.id}::text)`,
  ].filter((condition) => typeof condition === 'object')
}
