import { setTimeout } from 'node:timers/promises'
import type { OutboundAnswer } from './integrations.ts'

const FIRST_DELAY_MS = 200
const MAX_DELAY_MS = 5_000

/** One attempt at a call. */
export interface CallAttempt {
  readonly answer: OutboundAnswer
  /** Whether the call may be made again: `always` when it surely did nothing, `if safe` when it may have. */
  readonly again: 'always' | 'if safe' | 'never'
  /** The seconds that the provider asked to wait. */
  readonly retryAfterSeconds?: number | undefined
}

export interface RetryPolicy {
  readonly retries: number
  /** Whether two calls have the effect of one. */
  readonly isSafe: boolean
  /** Milliseconds of all attempts and the waits between them. */
  readonly timeoutMs: number
  /** The cost of a call whose outcome is unknown. */
  readonly reserve: number
}

/** Makes a call until it succeeds, may not be made again, or its time does not allow it. */
export async function withRetries(
  policy: RetryPolicy,
  make: (timeoutMs: number) => Promise<CallAttempt>,
): Promise<OutboundAnswer> {
  const endsAt = performance.now() + policy.timeoutMs
  let isUnknown = false
  for (let nth = 0; ; nth += 1) {
    const { answer, again, retryAfterSeconds } = await make(
      Math.max(1, Math.ceil(endsAt - performance.now())),
    )
    if (answer.result.success) return answer
    isUnknown ||= answer.outcome === 'unknown'
    const delayMs = retryAfterSeconds === undefined ? backoffMs(nth) : retryAfterSeconds * 1_000
    const isAllowed = again === 'always' || (again === 'if safe' && policy.isSafe)
    if (!isAllowed || nth >= policy.retries || performance.now() + delayMs >= endsAt)
      return isUnknown ? withUnknownOutcome(answer, policy.reserve) : answer
    await setTimeout(delayMs)
  }
}

/** Marks an answer's outcome as unknown, because an earlier attempt may have worked. */
export function withUnknownOutcome(answer: OutboundAnswer, reserve: number): OutboundAnswer {
  const { result } = answer
  if (result.success) return answer
  const details = { ...result.details, outcome: 'unknown' }
  return { ...answer, result: { ...result, details }, outcome: 'unknown', cost: reserve }
}

/** Doubles the delay with every attempt, with jitter, so that callers that failed together do not come back together. */
function backoffMs(nth: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** nth) * (0.5 + Math.random() / 2)
}
