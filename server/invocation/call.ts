import { type ActionResult, type Failure, fail } from '../core/result.ts'
import { ConnectionLost } from '../db/database.ts'
import { isUnavailable, mapEngineError } from '../db/sqlstate.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import { fromStored } from '../wire/stored.ts'
import {
  type Claim,
  claimKey,
  findKey,
  type KeyScope,
  type ReleaseOptions,
  releaseKey,
} from './idempotency.ts'
import type { Invocation } from './invocation.ts'
import { type Handler, runInvocation, Superseded } from './run.ts'
import { thrown } from './thrown.ts'

/**
 * Runs an action, once for its idempotency key if it has one: a key that was answered gives the same answer.
 *
 * @throws {TRPCError} for a key that cannot be used, and what the handler threw.
 */
export function runCall<T>(invocation: Invocation, handler: Handler<T>): Promise<ActionResult<T>> {
  return invocation.key === undefined ? runInvocation(invocation, handler) : runOnce(invocation, handler)
}

async function runOnce<T>(invocation: Invocation, handler: Handler<T>): Promise<ActionResult<T>> {
  const scope = usableScope(invocation)
  const claim = await claimOf(invocation, scope)
  if (claim.kind !== 'claimed') return answerOf(invocation, claim)
  await invocation.engine.failpoint('after-claim')
  invocation.resume(claim.now, claim.steps)
  try {
    const result = await runInvocation(invocation, handler)
    if (result.success) return result
    const stored = await release(invocation, scope, invocation.isOutcomeUnknown)
    return stored === undefined ? result : answerOf(invocation, { kind: 'stored', result: stored })
  } catch (error) {
    // Another holder took over, and was faster: its answer is the answer.
    if (error instanceof Superseded) return answerOf(invocation, await claimOf(invocation, scope))
    const stored = await release(invocation, scope, false)
    if (stored !== undefined) return answerOf(invocation, { kind: 'stored', result: stored })
    throw error
  }
}

/**
 * The answer that an input's key was given before, when the schema took it; undefined where there is none. A call that was
 * committed is not refused because a deployment has changed what is asked for.
 *
 * @throws {TRPCError} where the call is still running.
 */
export async function answerBefore(invocation: Invocation): Promise<ActionResult<unknown> | undefined> {
  const { keyScope, engine, keptInput } = invocation
  if (!keyScope || !IDEMPOTENCY_KEY.test(keyScope.key)) return undefined
  const found = await findKey(engine.database, keyScope, keptInput).catch((error: unknown) => {
    // The refusal of the input is an answer, too.
    invocation.log.warn({ err: error }, 'An idempotency key could not be looked up')
    return undefined
  })
  return found && answerOf(invocation, found)
}

function usableScope(invocation: Invocation): KeyScope {
  const { key = '', keyScope } = invocation
  if (!IDEMPOTENCY_KEY.test(key)) {
    throw refused('BAD_REQUEST', `An Idempotency-Key is ${IDEMPOTENCY_KEY_RULE}`)
  }
  if (!keyScope)
    throw refused('BAD_REQUEST', 'An Idempotency-Key belongs to a user: sign in, or leave it out.')
  return keyScope
}

async function claimOf(invocation: Invocation, scope: KeyScope): Promise<Claim> {
  const { engine, id, keptInput, now, leaseMs } = invocation
  try {
    return await claimKey(engine.database, { ...scope, token: id, keptInput, now, leaseMs })
  } catch (error) {
    const mapped = mapEngineError(error)
    if (!mapped) throw error
    if (isUnavailable(error)) invocation.hasMetOutage = true
    invocation.log.warn({ err: error }, 'An idempotency key could not be claimed')
    // The claim may be there, though its answer was lost.
    if (error instanceof ConnectionLost) releaseLater(invocation, { ...scope, token: id, isUnknown: false })
    throw mapped.kind === 'failure' ? thrown(mapped.failure) : running(1)
  }
}

/** What a key is answered with that this invocation does not hold. */
function answerOf<T>(invocation: Invocation, claim: Claim): ActionResult<T> {
  switch (claim.kind) {
    case 'stored':
      invocation.isReplay = true
      return fromStored(claim.result) as ActionResult<T> // What the same action answered.
    case 'other input':
      throw refused(
        'UNPROCESSABLE_CONTENT',
        'This Idempotency-Key was used with another input; use a new key for a new call.',
      )
    case 'running':
      throw running(claim.retryAfterSeconds)
    case 'claimed':
      throw new Error('An idempotency key that was answered could be claimed anew')
  }
}

/** The failure of the call is its answer, whatever becomes of the key. */
async function release(
  invocation: Invocation,
  scope: KeyScope,
  isUnknown: boolean,
): Promise<string | undefined> {
  const options = { ...scope, token: invocation.id, isUnknown }
  try {
    return await releaseKey(invocation.engine.database, options)
  } catch (error) {
    invocation.log.warn({ err: error }, 'An idempotency key could not be given back; it is tried again')
    releaseLater(invocation, options)
    return undefined
  }
}

function releaseLater(invocation: Invocation, options: ReleaseOptions): void {
  const { engine, id, leaseMs } = invocation
  engine.lateReleases.add({
    what: id,
    usefulForMs: leaseMs,
    write: () => releaseKey(engine.database, options),
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
