import { type Session, SqlError } from './database.ts'

/** As text to 64 bits: keys that share a number take turns for no reason, which does no harm. */
const LOCK = 'select pg_advisory_lock(hashtextextended($1, 0))'
const UNLOCK = 'select pg_advisory_unlock_all()'

/**
 * Takes the turn on every key among all servers of the database, by locks of the session: they are held before BEGIN,
 * so that the snapshot is taken after them. They only spare retries, and whoever waits too long goes on without.
 *
 * @returns whether there is something to give back.
 */
export async function takeTurnLocks(session: Session, keys: readonly string[]): Promise<boolean> {
  if (keys.length === 0) return false
  try {
    for (const key of [...keys].sort()) await session.query({ sql: LOCK, params: [key] })
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
  }
  return true
}

/** Gives them back. A session that cannot is closed, which does it too. Never throws. */
export async function giveTurnLocksBack(session: Session): Promise<void> {
  if (session.broken) return
  try {
    await session.query({ sql: UNLOCK, params: [] })
  } catch {
    await session.close()
  }
}
