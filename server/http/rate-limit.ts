import { LRUCache } from 'lru-cache'
import { addressKey } from '../auth/client-address.ts'
import { type Failure, fail } from '../core/result.ts'

export const DEFAULT_CALLS_PER_MINUTE = 60

export interface RateLimitOptions {
  /** Of one address; `none` lets everything through. */
  readonly callsPerMinute: number | 'none'
  /** @default the system's clock */
  readonly clock?: () => Date
  /** How many addresses are counted; beyond it, those that called longest ago are forgotten. @default 20000 */
  readonly maxAddresses?: number
}

/** Counts a call of an address, and refuses it when it is one too many. */
export type RateLimit = (address: string | undefined) => Failure | undefined

interface Window {
  readonly endsAtMs: number
  calls: number
}

const WINDOW_MS = 60_000
/** A client that hangs up before their address is asked for is counted all the same. */
const UNKNOWN = 'unknown'

/**
 * Limits the calls of an address in a minute that begins with its first one. Each server counts for itself, and
 * counts before it does anything else, so that a burst passes with exactly as many calls as may.
 */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { callsPerMinute, clock = () => new Date() } = options
  if (callsPerMinute === 'none') return () => undefined
  const windows = new LRUCache<string, Window>({ max: options.maxAddresses ?? 20_000 })

  return (address) => {
    const nowMs = clock().getTime()
    const key = address === undefined ? UNKNOWN : addressKey(address)
    const known = windows.get(key)
    // A clock that was set back must not lengthen a window.
    const isOpen = known !== undefined && nowMs < known.endsAtMs && known.endsAtMs - nowMs <= WINDOW_MS
    const window = isOpen ? known : { endsAtMs: nowMs + WINDOW_MS, calls: 0 }
    if (!isOpen) windows.set(key, window)
    window.calls += 1
    return window.calls > callsPerMinute ? refusal(callsPerMinute, window.endsAtMs, nowMs) : undefined
  }
}

function refusal(callsPerMinute: number, endsAtMs: number, nowMs: number): Failure {
  const retryAfterSeconds = Math.ceil((endsAtMs - nowMs) / 1_000)
  return fail(
    'TOO_MANY_REQUESTS',
    `From one address at most ${callsPerMinute} of these calls are taken in a minute; try again in ${retryAfterSeconds} s.`,
    { details: { budget: 'address', resetAt: new Date(endsAtMs).toISOString(), retryAfterSeconds } },
  )
}
