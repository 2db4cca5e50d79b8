import { sql } from 'drizzle-orm'
import { auditDetail } from '../../drizzle/engine/system.ts'
import type { Database } from '../db/database.ts'
import { countDeleted, type Maintenance, type RemovalCount, removeInBatches } from './maintenance.ts'

export interface EraseOptions extends Pick<Maintenance, 'clock' | 'batchRows' | 'maxBatches'> {
  readonly userId: string
}

/** Removes what is personal in a user's entries: input and IP address. The entries themselves stay. */
export function erase(database: Database, { userId, ...options }: EraseOptions): Promise<RemovalCount> {
  const maintenance = { ...options, action: 'audit.erase', input: { user: userId } } as const
  return removeInBatches(database, maintenance, async (execute, limit) => ({
    entries: 0,
    details: await countDeleted(
      execute,
      sql`delete from ${auditDetail} where id = any(array(
            select id from ${auditDetail} where actor = ${userId} limit ${limit}))
          returning 1`,
    ),
  }))
}
