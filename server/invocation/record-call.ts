import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Failure } from '../core/result.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import { auditStatement, isWorthAuditing } from './audit-entry.ts'
import type { Engine } from './engine.ts'
import type { RecordedCall } from './invocation-record.ts'
import type { LateWrite, LateWrites } from './late-writes.ts'

/** An answer does not wait longer than this for the row about it, when the row is about a failure. */
const MAX_WAIT_MS = 1_000
/** How long a row is kept in mind for a database that is away. */
const LATE_ROW_MS = 600_000

/** What a call came to: undefined for a success. */
export type Outcome = Failure | undefined

/**
 * Leaves what there is to say of a call that has ended: its line in the log, and its audit row if it has none yet.
 *
 * @returns what the answer has to wait for, if anything.
 */
export function recordCall(
  engine: Pick<Engine, 'database' | 'lateAuditRows' | 'log'>,
  call: RecordedCall,
  failure: Outcome,
): Promise<void> | undefined {
  const { invocation, record } = call
  const isDryRun = invocation.dryRun !== undefined
  const code = failure?.code ?? 'OK'
  // Whatever the run would have come to: nothing of it has happened.
  const outcome = isDryRun && !failure ? 'dry-run' : code
  const { requestId, invocationId, action, actor } = invocation.logged
  // By the engine's logger: one of its own would cost more than the line. Named one by one: so would a spread (V8).
  engine.log.info(
    {
      requestId,
      invocationId,
      action,
      actor,
      transport: invocation.transport,
      code,
      attempts: record.attempts,
      durationMs: Math.round(invocation.elapsedMs),
      // Left out of the line where it is undefined.
      replayed: record.isReplay || undefined,
      dryRun: isDryRun || undefined,
    },
    'Call',
  )
  if (record.isAudited || record.isReplay || !isWorthAuditing(call, outcome, [])) return undefined
  const { database, lateAuditRows } = engine
  const statement = auditStatement(call, outcome, [])
  const late = { what: invocation.id, usefulForMs: LATE_ROW_MS, write: () => database.write(statement) }
  // The database says whether it is there; the code of a failure does not, since an action may return any.
  if (record.hasMetOutage || lateAuditRows.isWaiting) {
    lateAuditRows.add(late)
    return undefined
  }
  return Promise.race([
    write(invocation.log, lateAuditRows, late),
    sleep(MAX_WAIT_MS, undefined, { ref: false }),
  ])
}

async function write(log: Logger, lateAuditRows: LateWrites, late: LateWrite): Promise<void> {
  try {
    await late.write()
  } catch (error) {
    if (isUnavailable(error)) lateAuditRows.add(late)
    else log.error({ err: error }, 'The audit row of a call could not be written')
  }
}
