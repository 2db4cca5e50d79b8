import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { readColumn } from '../../drizzle/engine/column-types/describe-column.ts'
import { auditDetail, auditLog } from '../../drizzle/engine/system.ts'
import { type AuditOutcome, isAuditOutcome } from './outcome.ts'

const COLUMNS = { ...getTableColumns(auditLog), input: auditDetail.input, ip: auditDetail.ip }

const writeSchema = z
  .object({ op: z.enum(['create', 'update', 'remove', 'sql']), collection: z.string(), recordId: z.string() })
  .transform(({ op, collection, recordId }): [op: typeof op, collection: string, recordId: string] => [
    op,
    collection,
    recordId,
  ])

const entrySchema = z.object({
  id: z.string(),
  at: z.date(),
  requestId: z.string(),
  /** `trpc`, `rest`, `caller`, `command`, or `internal`. */
  transport: z.string(),
  /** What the call came from: `client`, `schedule`, `later`, `route`, `command`. */
  source: z.string(),
  /** The user's id; null where the server itself acted. */
  actor: z.string().nullable(),
  /** The owner, where they acted as the actor. */
  actedBy: z.string().nullable(),
  action: z.string(),
  outcome: z.custom<AuditOutcome>(isAuditOutcome),
  attempts: z.number(),
  durationMs: z.number(),
  /** Equal for equal inputs of one action; null for an input that was not valid. */
  inputHash: z.string().nullable(),
  /** `[op, collection, recordId]`, at most 100 of them; `['sql', '*', '*']` for SQL of the app's own. */
  writes: z.array(writeSchema),
  /** All that were written. */
  writeCount: z.number(),
  /** Whose money outside calls spent. */
  payers: z.array(z.string()),
  /** Micro-credits. */
  cost: z.number().nullable(),
  /** How many calls it stands for: more than one for failing calls of which there were too many for a row each. */
  calls: z.number(),
  /** JSON text, capped, without what is marked secret; null when it was erased. */
  input: z.string().nullable(),
  /** Null when it was erased. */
  ip: z.string().nullable(),
})

/** One invocation in the audit log. */
export type AuditEntry = z.output<typeof entrySchema>

/** Lists the columns of `deputy.audit_log` and `deputy.audit_detail` that `readAuditEntry` reads. */
export function auditColumns(): SQL {
  return sql.join(
    Object.values(COLUMNS).map((column) => sql`${column}`),
    sql`, `,
  )
}

/** Reads a row of `auditColumns`. @throws {z.ZodError} when the engine has not written it. */
export function readAuditEntry(row: readonly unknown[]): AuditEntry {
  return entrySchema.parse(
    Object.fromEntries(
      Object.entries(COLUMNS).map(([name, column], index) => [name, readColumn(column, row[index])]),
    ),
  )
}
