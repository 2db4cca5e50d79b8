import type { Logger } from 'pino'
import type { Failure } from '../core/result.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import { auditStatement, isWorthAuditing } from './audit-row.ts'
import type { Engine } from './engine.ts'
import { failingAddress } from './failure-record.ts'
import type { RecordedCall } from './invocation-record.ts'
import type { QueuedWrite, WriteQueue } from './write-queue.ts'

/** From here on a call says in the log what its time went to. */
export const DEFAULT_SLOW_CALL_MS = 1_000
/** The longest that the answer of a failed call waits for its audit row. */
export const DEFAULT_AUDIT_WAIT_MS = 1_000
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
  engine: Pick<Engine, 'database' | 'auditRowQueue' | 'auditWaitMs' | 'failures' | 'log' | 'slowCallMs'>,
  call: RecordedCall,
  failure: CallOutcome,
): Promise<void> | undefined {
  const { invocation, record } = call
  const isDryRun = invocation.dryRun !== undefined
  const code = failure?.code ?? 'OK'
  // Whatever the run would have come to: nothing of it has happened.
  const outcome = isDryRun && !failure ? 'dry-run' : code
  if (failure && isOnlyCounted(engine, call, failure)) return undefined
  writeLine(engine, call, code)
  if (record.isAudited || record.isReplay || !isWorthAuditing(call, outcome, [])) return undefined
  const { database, auditRowQueue } = engine
  const statement = auditStatement(call, outcome, [])
  const late = { what: invocation.id, usefulForMs: LATE_ROW_MS, write: () => database.write(statement) }
  // The database says whether it is there; the code of a failure does not, since an action may return any.
  if (record.hasMetOutage || auditRowQueue.isWaiting) {
    auditRowQueue.add(late)
    return undefined
  }
  return atMost(engine.auditWaitMs, write(invocation.log, auditRowQueue, late))
}

async function atMost(waitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs).unref()
  })
  try {
    await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Writes the line of a call. A log that cannot be written costs the line, and not the call, which may have committed. */
function writeLine(engine: Pick<Engine, 'log' | 'slowCallMs'>, call: RecordedCall, code: string): void {
  const { invocation, record } = call
  const { requestId, invocationId, action, actor, actedBy, trace_id, span_id } = invocation.logged
  try {
    // By the engine's logger: one of its own would cost more than the line. Named one by one: so would a spread (V8).
    engine.log.info(
      {
        requestId,
        invocationId,
        action,
        actor,
        actedBy,
        transport: invocation.transport,
        code,
        attempts: record.attempts,
        durationMs: Math.round(invocation.elapsedMs),
        // Left out of the line where it is undefined.
        replayed: record.isReplay || undefined,
        dryRun: invocation.dryRun !== undefined || undefined,
        trace_id,
        span_id,
        timeline: isSlow(engine, call) ? record.timeline.told : undefined,
      },
      'Call',
    )
  } catch {
    // There is nowhere to tell of it.
  }
}

/** Whether a call has taken so long that it is said what its time went to. */
function isSlow({ slowCallMs }: Pick<Engine, 'slowCallMs'>, { invocation }: RecordedCall): boolean {
  return invocation.elapsedMs >= slowCallMs
}

/** Writes the line of a call that leaves none by itself, where it was slow. */
export function recordSlowCall(
  engine: Pick<Engine, 'log' | 'slowCallMs'>,
  call: RecordedCall,
  code: string,
): void {
  if (!isSlow(engine, call)) return
  const { invocation, record } = call
  try {
    engine.log.info(
      {
        ...invocation.logged,
        transport: invocation.transport,
        code,
        durationMs: Math.round(invocation.elapsedMs),
        timeline: record.timeline.told,
      },
      'Slow call',
    )
  } catch {
    // As for the line of any other call.
  }
}

/** Whether a failing call is one of so many that it is counted only. What has spent or done anything is written whole. */
function isOnlyCounted(
  { failures }: Pick<Engine, 'failures'>,
  { invocation, record }: RecordedCall,
  { code }: Failure,
): boolean {
  const { source, userId, actedBy, ip, action } = invocation
  // A row that stands for many names one user.
  if (actedBy !== null) return false
  if (source !== 'client' || record.isAudited || record.hasActed || record.payers.size > 0) return false
  return !failures.isWhole({
    userId: userId ?? undefined,
    caller: userId === null ? failingAddress(ip) : `user ${userId}`,
    action,
    code,
  })
}

async function write(log: Logger, auditRowQueue: WriteQueue, late: QueuedWrite): Promise<void> {
  try {
    await late.write()
  } catch (error) {
    if (isUnavailable(error)) auditRowQueue.add(late)
    else log.error({ err: error }, 'The audit row of a call could not be written')
  }
}
