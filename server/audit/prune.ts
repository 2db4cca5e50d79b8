import { sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { auditDetail, auditLog } from '../../drizzle/engine/system.ts'
import type { Database } from '../db/database.ts'
import { countRemoved, type Execute, type Maintenance, type Removed, removeInBatches } from './maintenance.ts'

export interface PruneOptions extends Pick<Maintenance, 'clock' | 'batchRows'> {
  /** Entries before this instant are removed. */
  readonly before: Date
}

/**
 * Removes old entries with their details. The table refuses that by a trigger, which its owner lifts for the
 * length of a batch; nobody else can write to the table meanwhile.
 */
export function prune(database: Database, { before, ...options }: PruneOptions): Promise<Removed> {
  const cutoff = before.toISOString()
  const removeOld = (execute: Execute, table: PgTable, limit: number) =>
    countRemoved(
      execute,
      sql`delete from ${table} where id = any(array(
            select id from ${table} where at < ${cutoff}::timestamptz order by at limit ${limit}))
          returning 1`,
    )
  const maintenance = { ...options, action: 'audit.prune', input: { before: cutoff } } as const
  return removeInBatches(database, maintenance, async (execute, limit) => {
    await execute(sql`alter table ${auditLog} disable trigger audit_log_append_only`)
    const entries = await removeOld(execute, auditLog, limit)
    await execute(sql`alter table ${auditLog} enable trigger audit_log_append_only`)
    return { entries, details: await removeOld(execute, auditDetail, limit) }
  })
}
