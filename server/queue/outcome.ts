import type { ErrorCode } from '../core/errors.ts'
import type { Failure } from '../core/result.ts'
import type { OutboundAnswer } from '../integrations/integrations.ts'

/** Attempts at a message before it is given up: about an hour of them. */
const MAX_ATTEMPTS = 13
const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 3_600_000

/** What happens to a message after an attempt to send it. */
export type MessageOutcome =
  | { readonly kind: 'arrived'; readonly cost: number }
  /** Tried again later. */
  | { readonly kind: 'later'; readonly delayMs: number; readonly error: string; readonly isUnknown: boolean }
  /** Given up: kept for the owner to look at. */
  | { readonly kind: 'dead'; readonly error: string; readonly isUnknown: boolean }

/** Codes that another attempt would give again: what is sent is wrong. */
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

/** Decides what happens to a message after the provider's answer. */
export function outcomeOfAnswer(message: AttemptedMessage, answer: OutboundAnswer): MessageOutcome {
  const { result, outcome, cost, isTaken } = answer
  // No one reads the answer to a message: one that the provider took is not sent again to get one.
  if (result.success || isTaken) return { kind: 'arrived', cost }
  return outcomeOfFailure(message, result, outcome === 'unknown')
}

/** Decides what happens to a message after a failure: it is sent later, or is dead when that is useless or was tried too often. */
export function outcomeOfFailure(
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

/** Doubles the delay with every attempt, with jitter, so that messages that failed together do not come back together. */
function backoffMs(attempt: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), MAX_DELAY_MS) * (0.5 + Math.random() / 2)
}
