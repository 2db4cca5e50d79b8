import type { AnonymousActor, UserActor } from './auth/actor.ts'
import type { RequestContext } from './context.ts'
import { DirectReads } from './direct-reads.ts'
import type { Attempt } from './invocation/attempt.ts'
import { Invocation } from './invocation/invocation.ts'
import { runInvocation } from './invocation/run.ts'
import { createCallerReads, createCallerRecords } from './records/as-caller.ts'
import { Caller } from './records/caller.ts'
import type { CallerReads, CallerRecords } from './records/types.ts'
import type { ActionResult } from './result.ts'
import type { AnyCollections } from './tools/types.ts'

const DEADLINE_MS = 10_000

/** The context of a procedure that knows who calls it. */
export type CalledContext<TActor = UserActor | AnonymousActor> = RequestContext & { readonly actor: TActor }

/** Reads under the caller's permissions, by single statements without a transaction. */
export function readsOf({ engine, requestId, actor }: CalledContext): CallerReads<AnyCollections> {
  const reads = new DirectReads(engine, requestId)
  return createCallerReads(reads, new Caller(reads, actor, engine))
}

/** Writes under the caller's permissions, in a transaction of their own, by the runner that actions have. */
export function writeAsCaller<T>(
  ctx: CalledContext,
  name: string,
  write: (
    records: CallerRecords<AnyCollections>,
    attempt: Attempt,
    caller: Caller,
  ) => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  const { engine, requestId, actor } = ctx
  const invocation = new Invocation({
    engine,
    actor,
    action: name,
    requestId,
    readOnly: false,
    deadlineMs: DEADLINE_MS,
  })
  return runInvocation(invocation, (attempt) => {
    const caller = new Caller(attempt, actor, engine)
    return write(createCallerRecords(attempt, caller), attempt, caller)
  })
}
