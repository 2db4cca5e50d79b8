export interface RetryOptions {
  /**
   * How often a call that failed is sent again, at most; 0 is never. Waiting for an earlier sending of the same call,
   * which the server says is still running, is limited by `maxTotalDelayMs` instead.
   * @default 3
   */
  readonly attempts?: number
  /** Milliseconds. The first wait is a random time up to this, and the limit doubles with each. @default 250 */
  readonly baseDelayMs?: number
  /** Milliseconds that the limit of such a wait grows to. A longer `Retry-After` counts all the same. @default 5000 */
  readonly maxDelayMs?: number
  /** Milliseconds that one call waits between its requests, all waits together. @default 30000 */
  readonly maxTotalDelayMs?: number
}

/** Why a call is worth sending again. */
export interface RetryReason {
  /** `running`: an earlier sending of the same call has not ended, and nothing has failed. */
  readonly kind: 'passing' | 'running'
  /** Seconds that the server asks to wait; 0 when it says nothing. */
  readonly retryAfterSeconds: number
}

export type RetryLimits = Required<RetryOptions>

/** Ends the retries of a call whose server asks for no wait: then the total delay hardly grows. */
const MAX_REPEATS = 100
/** The longest timer that JavaScript has; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Fills in the defaults; `false` means no retries.
 * @throws {RangeError} for a value that is no count or no number of milliseconds.
 */
export function retryLimits(options: RetryOptions | false = {}): RetryLimits {
  const {
    attempts = 3,
    baseDelayMs = 250,
    maxDelayMs = 5_000,
    maxTotalDelayMs = 30_000,
  } = options || { attempts: 0 }
  if (!Number.isInteger(attempts) || attempts < 0 || attempts > MAX_REPEATS) {
    throw new RangeError(
      `retries.attempts is ${attempts}; it must be a whole number from 0 to ${MAX_REPEATS}`,
    )
  }
  for (const [name, value] of Object.entries({ baseDelayMs, maxDelayMs, maxTotalDelayMs })) {
    if (value >= 0 && value <= MAX_TIMER_MS) continue
    throw new RangeError(
      `retries.${name} is ${value}; it must be a number of milliseconds, 0 to ${MAX_TIMER_MS}`,
    )
  }
  return { attempts, baseDelayMs, maxDelayMs, maxTotalDelayMs }
}

/**
 * Creates the backoff of one call: a function that gives the milliseconds until the call is sent again, or undefined when
 * it is not. The delay is exponential with full jitter, so that clients that failed together do not come back together,
 * and is added to what the server asks for.
 */
export function createBackoff(limits: RetryLimits): (retryReason: RetryReason) => number | undefined {
  let failures = 0
  let repeats = 0
  let waitedMs = 0
  return ({ kind, retryAfterSeconds }) => {
    if (kind === 'passing') failures += 1
    const askedMs = retryAfterSeconds * 1000
    const leftMs = limits.maxTotalDelayMs - waitedMs
    if (limits.attempts === 0 || failures > limits.attempts || repeats === MAX_REPEATS) return undefined
    if (leftMs <= 0 || askedMs > leftMs) return undefined
    const limitMs = Math.min(limits.maxDelayMs, limits.baseDelayMs * 2 ** repeats, leftMs - askedMs)
    const delayMs = askedMs + Math.random() * limitMs
    repeats += 1
    waitedMs += delayMs
    return delayMs
  }
}
