import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/database.ts'
import type { Closing } from './closing.ts'

const LOOKS = 5
const PAUSE_MS = 200

/**
 * Looks for the audit row that a COMMIT without an answer would have left. Without one nothing is known: the
 * database may still be at it.
 */
export async function wasCommitted(
  database: Database,
  invocationId: string,
  closing: Closing | undefined,
): Promise<boolean> {
  if (!closing?.isAudited) return false
  const statement = { sql: 'select 1 from deputy.audit_log where id = $1', params: [invocationId] }
  for (let look = 1; look <= LOOKS; look += 1) {
    try {
      if ((await database.query(statement)).rows.length > 0) return true
    } catch {
      // The database may be on its way back.
    }
    await sleep(PAUSE_MS)
  }
  return false
}
