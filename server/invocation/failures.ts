import { TRPCError } from '@trpc/server'
import { INTERNAL_MESSAGE } from '../core/errors.ts'
import { type Failure, FailureError, fail } from '../core/result.ts'
import { MAX_ANSWER_CHARACTERS } from './check-result.ts'
import type { Invocation } from './invocation.ts'

/** Makes the failure of a call that had too many conflicts. */
export function tooManyConflicts(): Failure {
  return fail('CONFLICT', 'The call kept meeting others that changed the same records; try again.', {
    details: { retryAfterSeconds: 1 },
  })
}

/** Makes the failure of a call that lasted longer than a call may. */
export function tooLong({ lifetimeMs }: Pick<Invocation, 'lifetimeMs'>): Failure {
  return fail(
    'GATEWAY_TIMEOUT',
    `The call took longer than ${lifetimeMs / 1000} s in all; nothing of it was kept.`,
  )
}

/** Makes the failure of a call that waited for room until its caller had gone. */
export function callerGone(): Failure {
  return fail('SERVICE_UNAVAILABLE', 'The caller had gone before the call could begin; nothing was done.')
}

/** Makes the failure of a call whose COMMIT got no answer. */
export function outcomeUnknown({ key }: Pick<Invocation, 'key'>): Failure {
  if (key !== undefined) {
    return fail(
      'SERVICE_UNAVAILABLE',
      'The connection to the database was lost while the call was being committed: repeat it with its Idempotency-Key.',
      { details: { outcome: 'unknown', retryAfterSeconds: 1 } },
    )
  }
  return fail(
    'SERVICE_UNAVAILABLE',
    'The connection to the database was lost while the call was being committed: look whether it happened before you repeat it.',
    { details: { outcome: 'unknown' } },
  )
}

/** Makes the failure of a call whose answer is too large to send. */
export function answerTooLarge(): Failure {
  return fail(
    'PAYLOAD_TOO_LARGE',
    `The answer has more than the ${MAX_ANSWER_CHARACTERS} characters that an answer may have at most; nothing of the call was kept. Ask for less, a page at a time.`,
  )
}

/** It is no action, and what it does is not taken back. */
export function noDryRun(): Failure {
  return fail('BAD_REQUEST', 'Only actions have a dry run, and this is none: leave Deputy-Dry-Run out.')
}

/** A failure as tRPC wants it thrown: what the engine refuses by itself, as against what an action answers. */
export function toTrpcError(failure: Failure): TRPCError {
  return new TRPCError({ code: failure.code, message: failure.error, cause: new FailureError(failure) })
}

/** An internal error, whose cause is logged with the request id before it is thrown. */
export class UnexpectedError extends TRPCError {
  constructor(cause: unknown) {
    super({ code: 'INTERNAL_SERVER_ERROR', message: INTERNAL_MESSAGE, cause })
  }
}
