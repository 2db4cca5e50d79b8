import { sql } from 'drizzle-orm'
import { blockedUsers } from '../../drizzle/engine/system.ts'
import type { BlockChanges } from '../auth/blocked-users.ts'
import { type ActionResult, ok } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import type { WriteRuntime } from './tool-runtime.ts'

export interface SetBlockedInput {
  readonly userId: string
  readonly blocked: boolean
}

/** The rows that one statement reads. */
const PAGE = 10_000

const CHANGED = `
  select user_id, is_blocked, revision::text from deputy.blocked_users where revision > $1::bigint
  order by revision limit ${PAGE}`

/** Reads which users were blocked or unblocked since a revision. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function loadBlockChanges(database: Database, since: number): Promise<BlockChanges> {
  const users: { userId: string; isBlocked: boolean }[] = []
  let revision = since
  for (;;) {
    const { rows } = await database.query({ sql: CHANGED, params: [revision] })
    for (const [userId, isBlocked] of rows)
      users.push({ userId: String(userId), isBlocked: isBlocked === true })
    revision = Number(rows.at(-1)?.[2] ?? revision)
    if (rows.length < PAGE) return { users, revision }
  }
}

/**
 * Blocks or unblocks a user. Does not check who may. Every writer is SERIALIZABLE, so revisions are in the order of
 * commits, and reading by revision misses none.
 */
export async function writeBlocked(
  runtime: WriteRuntime,
  { userId, blocked }: SetBlockedInput,
): Promise<ActionResult<SetBlockedInput>> {
  await runtime.execute(sql`
    insert into ${blockedUsers} (user_id, is_blocked, changed_by, changed_at, revision)
    select ${userId}, ${blocked}, ${runtime.userId}, ${runtime.now.toISOString()}, coalesce(max(revision), 0) + 1
    from ${blockedUsers}
    on conflict (user_id) do update set is_blocked = excluded.is_blocked, changed_by = excluded.changed_by,
      changed_at = excluded.changed_at, revision = excluded.revision`)
  const users = runtime.catalog.get('users')
  if (users) runtime.wrote('update', users, userId)
  return ok({ userId, blocked })
}
