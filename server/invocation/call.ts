import { type ActionResult, type Failure, fail } from '../core/result.ts'
import { ConnectionLost } from '../db/database.ts'
import { isUnavailable, mapEngineError } from '../db/sqlstate.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import { fromStored } from '../wire/stored.ts'
import type { Engine } from './engine.ts'
import { Execution, type ExecutionEngine } from './execution.ts'
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
import { thrown } from './thrown.ts'

/** What a call needs of the engine. */
export type CallEngine = ExecutionEngine & Pick<Engine, 'lateReleases'>

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
    // Another holder took over, and was faster: its answer is the answer.
    if (error instanceof Superseded) return answerOf(call, await claimOf(engine, call, scope))
    const stored = await release(engine, call, scope)
    if (stored !== undefined) return answerOf(call, { kind: 'stored', result: stored })
    throw error
  }
}

/**
 * The answer that an input's key was given before, when the schema took it; undefined where there is none. A call that was
 * committed is not refused because a deployment has changed what is asked for.
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
  const found = await findKey(database, keyScope, record.keptInput).catch((error: unknown) => {
    // The refusal of the input is an answer, too.
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
  const { keptInput, startedAt: now } = record
  try {
    return await claimKey(engine.database, { ...scope, token: id, keptInput, now, leaseMs })
  } catch (error) {
    const mapped = mapEngineError(error)
    if (!mapped) throw error
    if (isUnavailable(error)) record.meetOutage()
    invocation.log.warn({ err: error }, 'An idempotency key could not be claimed')
    // The claim may be there, though its answer was lost.
    if (error instanceof ConnectionLost) releaseLater(engine, call, { ...scope, token: id, isUnknown: false })
    throw mapped.kind === 'failure' ? thrown(mapped.failure) : running(1)
  }
}

/** What a key is answered with that this invocation does not hold. */
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

/** The failure of the call is its answer, whatever becomes of the key. */
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
  { database, lateReleases }: CallEngine,
  { invocation }: RecordedCall,
  options: ReleaseOptions,
): void {
  const { id, leaseMs } = invocation
  lateReleases.add({
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
  return thrown(fail(code, error, info))
}
