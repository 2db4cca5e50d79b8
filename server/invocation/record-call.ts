import { setTimeout as sleep } from 'node:timers/promises'
import type { Failure } from '../core/result.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import { auditStatement, isWorthAuditing } from './audit-entry.ts'
import type { Invocation } from './invocation.ts'
import type { LateWrite } from './late-writes.ts'

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
export function recordCall(invocation: Invocation, failure: Outcome): Promise<void> | undefined {
  const code = failure?.code ?? 'OK'
  const { requestId, invocationId, action, actor } = invocation.logged
  // By the engine's logger: one of its own would cost more than the line. Named one by one: so would a spread (V8).
  invocation.engine.log.info(
    {
      requestId,
      invocationId,
      action,
      actor,
      transport: invocation.transport,
      code,
      attempts: invocation.attempts,
      durationMs: Math.round(invocation.elapsedMs),
      // Left out of the line where it is undefined.
      replayed: invocation.isReplay || undefined,
    },
    'Call',
  )
  if (invocation.isRecorded || invocation.isReplay || !isWorthAuditing(invocation, code, [])) return undefined
  const { database, lateAuditRows } = invocation.engine
  const statement = auditStatement(invocation, code, [])
  const late = { what: invocation.id, usefulForMs: LATE_ROW_MS, write: () => database.write(statement) }
  // The database says whether it is there; the code of a failure does not, since an action may return any.
  if (invocation.hasMetOutage || lateAuditRows.isWaiting) {
    lateAuditRows.add(late)
    return undefined
  }
  return Promise.race([write(invocation, late), sleep(MAX_WAIT_MS, undefined, { ref: false })])
}

async function write(invocation: Invocation, late: LateWrite): Promise<void> {
  try {
    await late.write()
  } catch (error) {
    if (isUnavailable(error)) invocation.engine.lateAuditRows.add(late)
    else invocation.log.error({ err: error }, 'The audit row of a call could not be written')
  }
}
