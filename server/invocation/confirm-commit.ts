import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/database.ts'
import type { CommitStatement } from './commit-statement.ts'

const LOOKS = 5
const PAUSE_MS = 200

/**
 * Looks for the audit row of a COMMIT that got no answer. Without the row the outcome is unknown: the database may still
 * be committing.
 */
export async function confirmCommit(
  database: Database,
  invocationId: string,
  closing: CommitStatement | undefined,
): Promise<boolean> {
  if (!closing?.isAudited) return false
  const statement = { sql: 'select 1 from deputy.audit_log where id = $1', params: [invocationId] }
  for (let look = 1; look <= LOOKS; look += 1) {
    try {
      if ((await database.query(statement)).rows.length > 0) return true
    } catch {
      // The database may come back.
    }
    await sleep(PAUSE_MS)
  }
  return false
}
