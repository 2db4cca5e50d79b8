import type { ErrorContext } from '../core/error-reports.ts'
import type { EndedCall } from '../core/observer.ts'
import type { CallSlot } from '../invocation/call-slots.ts'
import type { RecordedCall } from '../invocation/invocation-record.ts'
import type { Timeline } from '../invocation/timeline.ts'
import type { TracedCall } from '../invocation/tracing.ts'
import type { RequestContext } from './context.ts'
import { ACTIONS_PREFIX } from './init.ts'

/** A call as it is seen from outside. */
export interface SeenCall {
  readonly ctx: RequestContext
  /** As tRPC names the procedure. */
  readonly path: string
  readonly timeline: Timeline
  /** The room that it has, if it needs any. */
  slot: CallSlot | undefined
  /** Undefined until it is known who calls. */
  recorded: RecordedCall | undefined
}

/** What a trace says of a call at its beginning. */
export function tracedCall({ ctx, path }: Pick<SeenCall, 'ctx' | 'path'>): TracedCall {
  const { transport, source, requestId, remoteTrace: remote } = ctx
  return { action: calledName(path), transport, source, requestId, remote }
}

/** What a report of an error says of the call. */
export function errorContextOf({ ctx, path, recorded, timeline: { span } }: SeenCall): ErrorContext {
  const { requestId, source, transport, jobId } = ctx
  const { invocation, record } = recorded ?? {}
  return {
    kind: 'call',
    requestId,
    invocationId: invocation?.id,
    action: calledName(path),
    source,
    transport,
    actor: invocation?.actor.kind,
    attempt: record?.attempts,
    jobId,
    traceId: span?.traceId,
  }
}

/** Tells of a call that has ended, in metrics and in its trace. */
export function tellEnd(
  { ctx, path, timeline: { startedMs, span }, recorded }: SeenCall,
  code: EndedCall['code'],
  error?: unknown,
): void {
  const { transport, source, engine } = ctx
  if (span) {
    span.note({ 'deputy.code': code, 'deputy.attempts': recorded?.record.attempts ?? 0 })
    span.end(error ?? (code === 'OK' ? undefined : new Refused()))
  }
  const durationMs = performance.now() - startedMs
  const isDry = recorded?.invocation.dryRun !== undefined && code === 'OK'
  engine.rollup.add(calledName(path), isDry ? 'dry-run' : code, durationMs)
  engine.observer?.callEnded({
    action: calledName(path),
    code,
    transport,
    source,
    durationMs,
    attempts: recorded?.record.attempts ?? 0,
    conflicts: recorded?.record.conflicts ?? 0,
    suspensions: recorded?.record.suspensions ?? 0,
    isReplay: recorded?.record.isReplay ?? false,
  })
}

/** A call that was answered with a failure, for its span. */
class Refused extends Error {
  override readonly name = 'Refused'
}

/** The name of an action, or the whole path of a procedure of the engine's. */
export function calledName(path: string): string {
  return path.startsWith(ACTIONS_PREFIX) ? path.slice(ACTIONS_PREFIX.length) : path
}
