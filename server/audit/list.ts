import type { Database } from '../db/database.ts'
import { toStatement } from '../db/statement.ts'
import type { AuditEntry } from './entry.ts'
import type { Execute } from './maintenance.ts'
import { MAX_AUDIT_LIMIT, queryAudit } from './query.ts'

export interface ListOptions {
  readonly actor: string | undefined
  readonly action: string | undefined
  /** How many entries at most, over as many pages as it takes. */
  readonly limit: number
}

/** Lists entries, newest first, for a command that has the database itself. */
export async function* listAudit(
  database: Database,
  { actor, action, limit }: ListOptions,
): AsyncGenerator<AuditEntry, void> {
  const execute: Execute = (statement) => database.query(toStatement(statement))
  let cursor: string | undefined
  let left = limit
  while (left > 0) {
    const page = await queryAudit(
      { execute },
      { actor, action, cursor, limit: Math.min(left, MAX_AUDIT_LIMIT) },
    )
    if (!page.success) throw new Error(page.error)
    yield* page.data.entries
    // A page may end at its bytes, before its limit.
    left -= page.data.entries.length
    if (page.data.nextCursor === null) return
    cursor = page.data.nextCursor
  }
}
