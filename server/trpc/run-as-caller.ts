import type { Actor } from '../auth/actor.ts'
import type { ActionResult } from '../core/result.ts'
import type { Attempt } from '../invocation/attempt.ts'
import { runCall } from '../invocation/call.ts'
import { createCallerReads, createCallerRecords } from '../records/as-caller.ts'
import { Caller } from '../records/caller.ts'
import type { CallerReads, CallerRecords } from '../records/types.ts'
import type { ToolCall } from '../tools/tool-runtime.ts'
import type { AnyCollections } from '../tools/types.ts'
import type { AcceptedCall } from './call.ts'
import { DirectReads } from './direct-reads.ts'

type AnyCall = AcceptedCall<Actor, unknown>

/** Reads by single statements without a transaction. */
export function directReads({ engine, invocation }: AnyCall): DirectReads {
  return new DirectReads(engine, invocation.requestId)
}

/** Runs single statements, and answers with a failure what the database refuses. */
export function readDirectly<T>(
  call: AnyCall,
  tool: ToolCall['tool'],
  read: (reads: DirectReads) => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  const reads = directReads(call)
  return reads.call({ tool }, () => read(reads))
}

/** Reads under the caller's permissions, by single statements without a transaction. */
export function readsOf(call: AnyCall): CallerReads<AnyCollections> {
  const reads = directReads(call)
  return createCallerReads(reads, new Caller(reads, call.actor, call.engine))
}

/** Writes under the caller's permissions, in a transaction of their own, by the runner that actions have. */
export function writeAsCaller<T>(
  call: AnyCall,
  write: (
    records: CallerRecords<AnyCollections>,
    attempt: Attempt,
    caller: Caller,
  ) => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  const { engine, actor } = call
  return runCall(engine, call, (attempt) => {
    const caller = new Caller(attempt, actor, engine)
    return write(createCallerRecords(attempt, caller), attempt, caller)
  })
}
