import { type SQL, sql } from 'drizzle-orm'
import { auditDetail, auditLog } from '../../drizzle/engine/system.ts'
import { uuidv7 } from '../core/uuid.ts'
import { ConnectionLost, type Database, type QueryResult } from '../db/database.ts'
import { toStatement } from '../db/statement.ts'

export type Execute = (statement: SQL) => Promise<QueryResult>

export interface RemovalCount {
  /** Rows of `deputy.audit_log`. */
  readonly entries: number
  /** Rows of `deputy.audit_detail`. */
  readonly details: number
}

export interface Maintenance {
  readonly action: 'audit.prune' | 'audit.erase'
  /** The command's arguments, for its own entry. */
  readonly input: Readonly<Record<string, string>>
  readonly clock: () => Date
  /** The most rows of a table that one transaction removes. @default 5000 */
  readonly batchRows?: number
  /** After how many transactions it ends, though there may be more. @default none */
  readonly maxBatches?: number
}

const BATCH_ROWS = 5_000
/** Any constant: one maintenance of a database runs at a time. */
const MAINTENANCE_LOCK = 4_711_002

/**
 * Removes rows batch by batch, each in a transaction of its own with the audit entry about it.
 *
 * @param remove removes at most `limit` rows of each table.
 * @throws {SqlError | ConnectionLost} Then the current batch has removed nothing; those before it have.
 */
export async function removeInBatches(
  database: Database,
  { batchRows = BATCH_ROWS, maxBatches, ...maintenance }: Maintenance,
  remove: (execute: Execute, limit: number) => Promise<RemovalCount>,
): Promise<RemovalCount> {
  const requestId = uuidv7()
  const total = { entries: 0, details: 0 }
  for (let batch = 1; ; batch += 1) {
    const removed = await inTransaction(database, async (execute) => {
      const startedMs = performance.now()
      const { entries, details } = await remove(execute, batchRows)
      const durationMs = Math.ceil(performance.now() - startedMs)
      // A command that finds nothing has an entry too; a last batch that finds nothing has none.
      if (batch === 1 || entries + details > 0)
        await execute(ownEntry(maintenance, { requestId, writeCount: entries + details, durationMs }))
      return { entries, details }
    })
    total.entries += removed.entries
    total.details += removed.details
    if (isWholeRemoval(removed, batchRows) || batch === maxBatches) return total
  }
}

/** Whether a batch has found less than it might have removed: then there is no more. */
export function isWholeRemoval({ entries, details }: RemovalCount, batchRows = BATCH_ROWS): boolean {
  return entries < batchRows && details < batchRows
}

async function inTransaction<T>(database: Database, body: (execute: Execute) => Promise<T>): Promise<T> {
  const lease = await database.acquire()
  const { session } = lease
  const execute: Execute = (statement) => session.query(toStatement(statement))
  try {
    await session.beginWrite()
    // Waiting for a table's lock would block everyone behind: give up instead.
    await execute(sql`set local lock_timeout = '3s'`)
    await execute(sql`select pg_advisory_xact_lock(${MAINTENANCE_LOCK})`)
    const value = await body(execute)
    const { command } = await session.control('commit')
    if (command !== 'COMMIT') throw new ConnectionLost('A batch was not committed')
    return value
  } catch (error) {
    if (!session.broken) await session.control('rollback').catch(() => session.close())
    throw error
  } finally {
    lease.release()
  }
}

function ownEntry(
  { action, input, clock }: Maintenance,
  { requestId, writeCount, durationMs }: { requestId: string; writeCount: number; durationMs: number },
): SQL {
  const [id, at] = [uuidv7(), sql`${clock().toISOString()}::timestamptz`]
  return sql`
    with detail as (
      insert into ${auditDetail} (id, at, actor, input, ip)
      values (${id}, ${at}, null, ${JSON.stringify(input)}, null))
    insert into ${auditLog} (id, at, request_id, transport, actor, action, outcome, attempts, duration_ms,
      input_hash, writes, write_count, payers, cost)
    values (${id}, ${at}, ${requestId}, 'command', null, ${action}, 'OK', 1, ${durationMs}::integer,
      null, '[]', ${writeCount}::integer, '{}', null)`
}

/** Counts the rows that a `delete … returning` removes. */
export async function countDeleted(execute: Execute, deletion: SQL): Promise<number> {
  const { rows } = await execute(sql`with gone as (${deletion}) select count(*)::integer from gone`)
  return Number(rows[0]?.[0])
}
