import { Batches } from '../db/batches.ts'
import type { Database, Statement } from '../db/database.ts'
import { Semaphore } from '../db/semaphore.ts'
import { writeTogether } from '../db/write-together.ts'

/** Writes audit rows of calls without other writes at their end: calls that end at the same time share a commit. */
export type AuditRows = Batches<Statement, 'kept'>

/** Creates the writer of audit rows. A row is written once, however often it is tried. */
export function createAuditRows(database: Database): AuditRows {
  const alone = async (row: Statement) => {
    await database.write(row)
    return 'kept' as const
  }
  return new Batches<Statement, 'kept'>({
    turns: new Semaphore(1),
    async together(rows) {
      await writeTogether(await database.acquire(), rows)
      return rows.map(() => 'kept')
    },
    alone,
  })
}
