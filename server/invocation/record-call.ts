import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Failure } from '../core/result.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import { auditStatement, isWorthAuditing } from './audit-row.ts'
import type { Engine } from './engine.ts'
import type { RecordedCall } from './invocation-record.ts'
import type { QueuedWrite, WriteQueue } from './write-queue.ts'

/** The longest that the answer of a failed call waits for its audit row. */
const MAX_WAIT_MS = 1_000
/** How long an audit row waits for a database that is away. */
const LATE_ROW_MS = 600_000

/** How a call ended: its failure, or undefined for a success. */
export type CallOutcome = Failure | undefined

/**
 * Records a call that has ended: writes its line in the log, and its audit row if it has none yet.
 *
 * @returns what the answer has to wait for, if anything.
 */
export function recordCall(
  engine: Pick<Engine, 'database' | 'auditRowQueue' | 'log'>,
  call: RecordedCall,
  failure: CallOutcome,
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
  const { database, auditRowQueue } = engine
  const statement = auditStatement(call, outcome, [])
  const late = { what: invocation.id, usefulForMs: LATE_ROW_MS, write: () => database.write(statement) }
  // The database says whether it is there; the code of a failure does not, since an action may return any.
  if (record.hasMetOutage || auditRowQueue.isWaiting) {
    auditRowQueue.add(late)
    return undefined
  }
  return Promise.race([
    write(invocation.log, auditRowQueue, late),
    sleep(MAX_WAIT_MS, undefined, { ref: false }),
  ])
}

async function write(log: Logger, auditRowQueue: WriteQueue, late: QueuedWrite): Promise<void> {
  try {
    await late.write()
  } catch (error) {
    if (isUnavailable(error)) auditRowQueue.add(late)
    else log.error({ err: error }, 'The audit row of a call could not be written')
  }
}
