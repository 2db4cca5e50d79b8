import { sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { auditDetail, auditLog } from '../../drizzle/engine/system.ts'
import type { Database } from '../db/database.ts'
import {
  countDeleted,
  type Execute,
  type Maintenance,
  type RemovalCount,
  removeInBatches,
} from './maintenance.ts'

export interface PruneOptions extends Pick<Maintenance, 'clock' | 'batchRows' | 'maxBatches'> {
  /** Entries before this instant are removed. */
  readonly before: Date
}

/**
 * Removes old entries with their details. The table refuses that by a trigger, which its owner disables during a batch;
 * no one else can write to the table meanwhile.
 */
export function prune(database: Database, { before, ...options }: PruneOptions): Promise<RemovalCount> {
  const cutoff = before.toISOString()
  const removeOld = (execute: Execute, table: PgTable, limit: number) =>
    countDeleted(
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
