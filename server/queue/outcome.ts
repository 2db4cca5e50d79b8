import type { ErrorCode } from '../core/errors.ts'
import type { Failure } from '../core/result.ts'
import type { OutboundAnswer } from '../integrations/integrations.ts'

/** Attempts at a message before it is given up: about an hour of them. */
export const MAX_MESSAGE_ATTEMPTS = 13
const MESSAGE_BACKOFF: Backoff = { firstMs: 1_000, factor: 2 }
/** Five attempts are spread over some minutes, in which a provider has started again. */
const CALL_BACKOFF: Backoff = { firstMs: 10_000, factor: 3 }
const MAX_DELAY_MS = 3_600_000

interface Backoff {
  readonly firstMs: number
  /** What the delay grows by with every attempt. */
  readonly factor: number
}

/** What happens to work after an attempt at it. */
export type WorkOutcome =
  /**
   * `cost` and `status` are a message's; `shownData` stands in for a job's input from then on, where something in it is
   * secret.
   */
  | {
      readonly kind: 'done'
      readonly cost: number
      readonly status?: number | undefined
      readonly shownData?: string | undefined
    }
  /** Tried again later. */
  | { readonly kind: 'later'; readonly delayMs: number; readonly error: string; readonly isUnknown: boolean }
  /** Given up: kept for the owner to look at. */
  | {
      readonly kind: 'dead'
      readonly error: string
      readonly isUnknown: boolean
      /** The HTTP status that a message was answered with last. */
      readonly status?: number | undefined
      /** What a job has thrown. */
      readonly cause?: unknown
    }

/** Codes of a message that another attempt would give again: what is sent is wrong. */
const FINAL_OF_MESSAGE: ReadonlySet<ErrorCode> = new Set([
  'BAD_REQUEST',
  'FORBIDDEN',
  'METHOD_NOT_SUPPORTED',
  'NOT_FOUND',
  'PAYLOAD_TOO_LARGE',
  'UNPROCESSABLE_CONTENT',
  'UNSUPPORTED_MEDIA_TYPE',
])

/** Codes of a call in the app that another attempt may not give: what is in the way passes, and so may a throw. */
const PASSING_OF_CALL: ReadonlySet<ErrorCode> = new Set([
  'BAD_GATEWAY',
  'GATEWAY_TIMEOUT',
  'INTERNAL_SERVER_ERROR',
  'SERVICE_UNAVAILABLE',
  'TOO_MANY_REQUESTS',
])

export interface AttemptedWork {
  readonly attempt: number
  readonly maxAttempts: number
  readonly isUnknown: boolean
}

/** Decides what happens to a message after the provider's answer. */
export function outcomeOfAnswer(message: AttemptedWork, answer: OutboundAnswer): WorkOutcome {
  const { result, outcome, cost, status, isTaken } = answer
  // No one reads the answer to a message: one that the provider took is not sent again to get one.
  if (result.success || isTaken) return { kind: 'done', cost, status }
  const failed = outcomeOfFailure(message, result, outcome === 'unknown')
  return failed.kind === 'dead' ? { ...failed, status } : failed
}

/** Decides what happens to a message after a failure: it is sent later, or is dead when that is useless or was tried too often. */
export function outcomeOfFailure(
  { isUnknown: wasUnknown, ...tries }: AttemptedWork,
  failure: Failure,
  isUnknown = false,
): WorkOutcome {
  const passes = !FINAL_OF_MESSAGE.has(failure.code)
  return decided(tries, failure, { isUnknown: wasUnknown || isUnknown, passes, backoff: MESSAGE_BACKOFF })
}

/**
 * Decides what happens to a job or a grant after a failure. A conflict passes where it says when to try again: too many
 * at once, or another server that is still at work on it.
 */
export function outcomeOfCall(work: AttemptedWork, failure: Failure): WorkOutcome {
  const passes = PASSING_OF_CALL.has(failure.code) || (failure.code === 'CONFLICT' && askedMs(failure) > 0)
  return decided(work, failure, { isUnknown: false, passes, backoff: CALL_BACKOFF })
}

function decided(
  { attempt, maxAttempts }: Pick<AttemptedWork, 'attempt' | 'maxAttempts'>,
  failure: Failure,
  {
    isUnknown,
    passes,
    backoff,
  }: { readonly isUnknown: boolean; readonly passes: boolean; readonly backoff: Backoff },
): WorkOutcome {
  const base = { error: `${failure.code}: ${failure.error}`, isUnknown }
  if (!passes || attempt >= maxAttempts) return { kind: 'dead', ...base }
  return {
    kind: 'later',
    delayMs: Math.min(Math.max(delayMs(backoff, attempt), askedMs(failure)), MAX_DELAY_MS),
    ...base,
  }
}

/** The milliseconds that a failure asks to wait; 0 where it does not. */
function askedMs({ details }: Failure): number {
  const asked = details?.retryAfterSeconds
  return typeof asked === 'number' ? asked * 1_000 : 0
}

/** Grows with every attempt, with jitter, so that what failed together does not come back together. */
function delayMs({ firstMs, factor }: Backoff, attempt: number): number {
  return Math.min(firstMs * factor ** (attempt - 1), MAX_DELAY_MS) * (0.5 + Math.random() / 2)
}
