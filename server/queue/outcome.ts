import type { ErrorCode } from '../core/errors.ts'
import type { Failure } from '../core/result.ts'
import type { Answer } from '../integrations/integrations.ts'

/** Attempts at a message before it is given up: about an hour of them. */
const MAX_ATTEMPTS = 13
const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 3_600_000

/** What becomes of a message after an attempt at it. */
export type MessageOutcome =
  | { readonly kind: 'arrived'; readonly cost: number }
  /** Tried again later. */
  | { readonly kind: 'later'; readonly delayMs: number; readonly error: string; readonly isUnknown: boolean }
  /** Given up: kept for the owner to look at. */
  | { readonly kind: 'dead'; readonly error: string; readonly isUnknown: boolean }

/** Codes that would be the same another time: what is sent is wrong. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'BAD_REQUEST',
  'FORBIDDEN',
  'METHOD_NOT_SUPPORTED',
  'NOT_FOUND',
  'PAYLOAD_TOO_LARGE',
  'UNPROCESSABLE_CONTENT',
  'UNSUPPORTED_MEDIA_TYPE',
])

export interface AttemptedMessage {
  readonly attempt: number
  readonly isUnknown: boolean
}

/** What an answer of the other side makes of a message. */
export function outcomeOf(message: AttemptedMessage, answer: Answer): MessageOutcome {
  const { result, effect, cost, isTaken } = answer
  // Nobody reads the answer to a message: one that was taken is not sent again for the sake of it.
  if (result.success || isTaken) return { kind: 'arrived', cost }
  return failed(message, result, effect === 'unknown')
}

/** What a failure makes of a message: it is tried again, unless that is of no use, or was done often enough. */
export function failed(
  { attempt, isUnknown: wasUnknown }: AttemptedMessage,
  failure: Failure,
  isUnknown = false,
): MessageOutcome {
  const base = { error: `${failure.code}: ${failure.error}`, isUnknown: wasUnknown || isUnknown }
  if (FINAL.has(failure.code) || attempt >= MAX_ATTEMPTS) return { kind: 'dead', ...base }
  const asked = failure.details?.retryAfterSeconds
  const delayMs = Math.max(backoffMs(attempt), typeof asked === 'number' ? asked * 1_000 : 0)
  return { kind: 'later', delayMs: Math.min(delayMs, MAX_DELAY_MS), ...base }
}

/** Doubles with every attempt, from half a second to a second on, so that messages that failed together part. */
function backoffMs(attempt: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), MAX_DELAY_MS) * (0.5 + Math.random() / 2)
}
