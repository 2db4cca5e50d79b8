import { type Failure, fail } from '../core/result.ts'
import { MAX_ANSWER_CHARACTERS } from '../wire/answer-size.ts'
import type { Invocation } from './invocation.ts'

/** It was run again as often as makes sense. */
export function tooManyConflicts(): Failure {
  return fail('CONFLICT', 'The call kept meeting others that changed the same records; try again.')
}

/** It lasted as long as an invocation may, whatever it waited for. */
export function tooLong({ lifetimeMs }: Pick<Invocation, 'lifetimeMs'>): Failure {
  return fail(
    'GATEWAY_TIMEOUT',
    `The call took longer than ${lifetimeMs / 1000} s in all; nothing of it was kept.`,
  )
}

/** COMMIT was sent, and nothing came back. */
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

/** What it answers could not be held for a reader. */
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
