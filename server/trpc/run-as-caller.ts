import type { AnonymousActor, UserActor } from '../auth/actor.ts'
import type { ActionResult } from '../core/result.ts'
import type { Attempt } from '../invocation/attempt.ts'
import { runCall } from '../invocation/call.ts'
import { createCallerReads, createCallerRecords } from '../records/as-caller.ts'
import { Caller } from '../records/caller.ts'
import type { CallerReads, CallerRecords } from '../records/types.ts'
import type { AnyCollections } from '../tools/types.ts'
import type { RequestContext } from './context.ts'
import { DirectReads } from './direct-reads.ts'
import { type InvokedContext, withInput } from './invoked.ts'

/** The context of a procedure that knows who calls it. */
export type CalledContext<TActor = UserActor | AnonymousActor> = RequestContext & { readonly actor: TActor }

/** Reads under the caller's permissions, by single statements without a transaction. */
export function readsOf({ engine, requestId, actor }: CalledContext): CallerReads<AnyCollections> {
  const reads = new DirectReads(engine, requestId)
  return createCallerReads(reads, new Caller(reads, actor, engine))
}

/** Writes under the caller's permissions, in a transaction of their own, by the runner that actions have. */
export function writeAsCaller<T>(
  ctx: CalledContext & InvokedContext,
  input: unknown,
  write: (
    records: CallerRecords<AnyCollections>,
    attempt: Attempt,
    caller: Caller,
  ) => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  const { engine, actor } = ctx
  return runCall(withInput(ctx.invocation, input), (attempt) => {
    const caller = new Caller(attempt, actor, engine)
    return write(createCallerRecords(attempt, caller), attempt, caller)
  })
}
