import { sql } from 'drizzle-orm'
import { auditDetail } from '../../drizzle/engine/system.ts'
import type { Database } from '../db/database.ts'
import { countRemoved, type Maintenance, type Removed, removeInBatches } from './maintenance.ts'

export interface EraseOptions extends Pick<Maintenance, 'clock' | 'batchRows'> {
  readonly userId: string
}

/** Removes what is personal in a user's entries: input and ip. The entries themselves, who did what, stay. */
export function erase(database: Database, { userId, ...options }: EraseOptions): Promise<Removed> {
  const maintenance = { ...options, action: 'audit.erase', input: { user: userId } } as const
  return removeInBatches(database, maintenance, async (execute, limit) => ({
    entries: 0,
    details: await countRemoved(
      execute,
      sql`delete from ${auditDetail} where id = any(array(
            select id from ${auditDetail} where actor = ${userId} limit ${limit}))
          returning 1`,
    ),
  }))
}
