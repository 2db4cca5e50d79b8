import type { MigrationSession } from './migration-set.ts'

/** Any constant: servers that start together on one database queue up behind it. */
const MIGRATION_LOCK = 4_711_001

/**
 * A migration, and the wait for those of another server, take as long as they take. A pooler may hand out a backend as
 * another connection has set it.
 */
const BEGIN = `begin isolation level read committed read write;
  set local statement_timeout = 0; set local lock_timeout = 0; set local idle_in_transaction_session_timeout = 0;
  set local search_path to default; select pg_advisory_xact_lock(${MIGRATION_LOCK})`

/**
 * Runs in a transaction for which others who migrate wait. Lock and settings end with it, however it ends: where a pooler
 * in transaction mode was not recognized, its backend is given to others without them.
 */
export async function inTurn<T>(
  session: MigrationSession,
  run: () => Promise<T>,
  commit = () => session.run('commit'),
): Promise<T> {
  try {
    await session.run(BEGIN)
    const result = await run()
    await commit()
    return result
  } catch (error) {
    // A connection that is lost has rolled it back already.
    await session.run('rollback').catch(() => {})
    throw error
  }
}
