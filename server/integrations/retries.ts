import { setTimeout } from 'node:timers/promises'
import type { Answer } from './integrations.ts'

const FIRST_DELAY_MS = 200
const MAX_DELAY_MS = 5_000

/** One try of a call. */
export interface Try {
  readonly answer: Answer
  /** When the call may be made again: what was certainly not done always, what may have been only where that is safe. */
  readonly again: 'always' | 'if safe' | 'never'
  /** What the provider asked for. */
  readonly retryAfterSeconds?: number | undefined
}

export interface RetryPolicy {
  readonly retries: number
  /** Whether doing it twice is doing it once. */
  readonly isSafe: boolean
  /** All tries and the waits between them. */
  readonly timeoutMs: number
  /** What a call costs of which nobody knows what it did. */
  readonly reserve: number
}

/** Makes a call until it succeeds, may not be made again, or its time does not allow it. */
export async function withRetries(
  policy: RetryPolicy,
  make: (timeoutMs: number) => Promise<Try>,
): Promise<Answer> {
  const endsAt = performance.now() + policy.timeoutMs
  let isUnknown = false
  for (let nth = 0; ; nth += 1) {
    const { answer, again, retryAfterSeconds } = await make(
      Math.max(1, Math.ceil(endsAt - performance.now())),
    )
    if (answer.result.success) return answer
    isUnknown ||= answer.effect === 'unknown'
    const delayMs = retryAfterSeconds === undefined ? backoffMs(nth) : retryAfterSeconds * 1_000
    const isAllowed = again === 'always' || (again === 'if safe' && policy.isSafe)
    if (!isAllowed || nth >= policy.retries || performance.now() + delayMs >= endsAt)
      return isUnknown ? asUnknown(answer, policy.reserve) : answer
    await setTimeout(delayMs)
  }
}

/** A try before may have done it, whatever the last one came to. */
export function asUnknown(answer: Answer, reserve: number): Answer {
  const { result } = answer
  if (result.success) return answer
  const details = { ...result.details, outcome: 'unknown' }
  return { ...answer, result: { ...result, details }, effect: 'unknown', cost: reserve }
}

/** Callers that failed together must not come back together. */
function backoffMs(nth: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** nth) * (0.5 + Math.random() / 2)
}
