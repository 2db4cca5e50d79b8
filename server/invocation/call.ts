import { type ActionResult, type Failure, fail } from '../core/result.ts'
import { ConnectionLost } from '../db/database.ts'
import { isUnavailable, mapEngineError } from '../db/sqlstate.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import { fromStored } from '../wire/serialize.ts'
import type { Engine } from './engine.ts'
import { Execution, type ExecutionEngine } from './execution.ts'
import { toTrpcError } from './failures.ts'
import {
  type Claim,
  claimKey,
  findKey,
  type KeyScope,
  type ReleaseOptions,
  releaseKey,
} from './idempotency.ts'
import type { RecordedCall } from './invocation-record.ts'
import { type Handler, runInvocation, Superseded } from './run.ts'

/** The parts of the engine that a call needs. */
export type CallEngine = ExecutionEngine & Pick<Engine, 'keyReleaseQueue'>

/**
 * Runs an action, once for its idempotency key if it has one: a key that was answered gives the same answer.
 *
 * @throws {TRPCError} for a key that cannot be used, and what the handler threw.
 */
export function runCall<T>(
  engine: CallEngine,
  call: RecordedCall,
  handler: Handler<T>,
): Promise<ActionResult<T>> {
  return call.invocation.key === undefined
    ? runInvocation(new Execution(engine, call), handler)
    : runOnce(engine, call, handler)
}

async function runOnce<T>(
  engine: CallEngine,
  call: RecordedCall,
  handler: Handler<T>,
): Promise<ActionResult<T>> {
  const scope = usableScope(call)
  const claim = await claimOf(engine, call, scope)
  if (claim.kind !== 'claimed') return answerOf(call, claim)
  await engine.failpoint('after-claim')
  call.record.resume(claim.now)
  const execution = new Execution(engine, call)
  execution.resume(claim.steps)
  try {
    const result = await runInvocation(execution, handler)
    if (result.success) return result
    const stored = await release(engine, call, scope)
    return stored === undefined ? result : answerOf(call, { kind: 'stored', result: stored })
  } catch (error) {
    // Another holder took the key over and was faster: its result counts.
    if (error instanceof Superseded) return answerOf(call, await claimOf(engine, call, scope))
    const stored = await release(engine, call, scope)
    if (stored !== undefined) return answerOf(call, { kind: 'stored', result: stored })
    throw error
  }
}

/**
 * Finds the result that a key already has for an input that the schema refuses now; undefined without one. A committed
 * call is not refused because a deployment has changed the schema.
 *
 * @throws {TRPCError} where the call is still running.
 */
export async function answerBefore(
  { database }: Pick<Engine, 'database'>,
  call: RecordedCall,
): Promise<ActionResult<unknown> | undefined> {
  const { invocation, record } = call
  const { keyScope } = invocation
  if (!keyScope || !IDEMPOTENCY_KEY.test(keyScope.key)) return undefined
  const found = await findKey(database, keyScope, record.storedInput).catch((error: unknown) => {
    // The call still ends with the refusal of its input.
    invocation.log.warn({ err: error }, 'An idempotency key could not be looked up')
    return undefined
  })
  return found && answerOf(call, found)
}

function usableScope({ invocation }: RecordedCall): KeyScope {
  const { key = '', keyScope } = invocation
  if (!IDEMPOTENCY_KEY.test(key)) {
    throw refused('BAD_REQUEST', `An Idempotency-Key is ${IDEMPOTENCY_KEY_RULE}`)
  }
  if (!keyScope)
    throw refused('BAD_REQUEST', 'An Idempotency-Key belongs to a user: sign in, or leave it out.')
  return keyScope
}

async function claimOf(engine: CallEngine, call: RecordedCall, scope: KeyScope): Promise<Claim> {
  const { invocation, record } = call
  const { id, leaseMs } = invocation
  const { storedInput, startedAt: now } = record
  try {
    return await record.timeline.during('claim', undefined, () =>
      claimKey(engine.database, { ...scope, token: id, storedInput, now, leaseMs }),
    )
  } catch (error) {
    const mapped = mapEngineError(error)
    if (!mapped) throw error
    if (isUnavailable(error)) record.meetOutage()
    invocation.log.warn({ err: error }, 'An idempotency key could not be claimed')
    // The claim may exist, although the database's answer was lost.
    if (error instanceof ConnectionLost) releaseLater(engine, call, { ...scope, token: id, isUnknown: false })
    throw mapped.kind === 'failure' ? toTrpcError(mapped.failure) : running(1)
  }
}

/** Returns the result of a key that this invocation does not hold. */
function answerOf<T>({ record }: RecordedCall, claim: Claim): ActionResult<T> {
  switch (claim.kind) {
    case 'stored':
      record.replay()
      return fromStored(claim.result) as ActionResult<T> // What the same action answered.
    case 'other input':
      throw refused(
        'UNPROCESSABLE_CONTENT',
        'This Idempotency-Key was used with another input; use a new key for a new call.',
      )
    case 'running':
      throw running(claim.retryAfterSeconds)
    case 'claimed':
      throw new Error('An idempotency key that was answered could be claimed again')
  }
}

/** Gives a key back. Never throws: the call ends with its own failure. */
async function release(engine: CallEngine, call: RecordedCall, scope: KeyScope): Promise<string | undefined> {
  const { invocation, record } = call
  const options = { ...scope, token: invocation.id, isUnknown: record.isOutcomeUnknown }
  try {
    return await releaseKey(engine.database, options)
  } catch (error) {
    invocation.log.warn({ err: error }, 'An idempotency key could not be given back; it is tried again')
    releaseLater(engine, call, options)
    return undefined
  }
}

function releaseLater(
  { database, keyReleaseQueue }: CallEngine,
  { invocation }: RecordedCall,
  options: ReleaseOptions,
): void {
  const { id, leaseMs } = invocation
  keyReleaseQueue.add({
    what: id,
    usefulForMs: leaseMs,
    write: () => releaseKey(database, options),
  })
}

function running(retryAfterSeconds: number) {
  return refused('CONFLICT', 'A call with this Idempotency-Key is still running; repeat it shortly.', {
    details: { retryAfterSeconds },
  })
}

function refused(code: Failure['code'], error: string, info: Pick<Failure, 'details'> = {}) {
  return toTrpcError(fail(code, error, info))
}
