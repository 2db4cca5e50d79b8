import type { Session } from './database.ts'

/** As text to 64 bits: keys that share a number take turns for no reason, which does no harm. */
const LOCK = `select pg_advisory_lock(hashtextextended(key, 0)) from
  (select key from jsonb_array_elements_text($1::jsonb) with ordinality as wanted (key, nth)
    order by nth offset 0) as in_order`
const UNLOCK = 'select pg_advisory_unlock_all()'

/**
 * Takes the turn on every key among all servers of the database, by locks of the session: they are held before the
 * snapshot of the transaction that begins behind them. They only spare retries, and one who waits too long goes on
 * without. Sent at once. Never throws: on a connection that is lost, the transaction says so.
 */
export async function takeTurnLocks(session: Session, keys: readonly string[]): Promise<void> {
  try {
    await session.query({ sql: LOCK, params: [JSON.stringify([...keys].sort())] })
  } catch {
    // As it says.
  }
}

/** Gives them back. A session that cannot is closed, which does it too; no one waits for that. Never throws. */
export async function giveTurnLocksBack(session: Session): Promise<void> {
  if (session.broken) return
  try {
    await session.query({ sql: UNLOCK, params: [] })
  } catch {
    void session.close()
  }
}
