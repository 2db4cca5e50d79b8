import { type Failure, fail } from '../core/result.ts'

/** What a limit has left for a caller. */
export interface Quota {
  /** Names the limit: `user`, `anonymous`, `failing`, `integrations`, or the path of an action. */
  readonly policy: string
  /** How many calls are taken in each `perMs`. */
  readonly rate: number
  readonly perMs: number
  /** How many calls are taken at once. */
  readonly limit: number
  readonly remaining: number
  /** Milliseconds until all of them are there again. */
  readonly resetMs: number
  /** Milliseconds until the call would be taken; 0 for one that was. */
  readonly retryAfterMs: number
}

/** What is left of the limits that a request was counted against. */
export class Quotas {
  #tightest: Quota | undefined

  /** The one that ends first: what was refused, or has the smallest part left. */
  get tightest(): Quota | undefined {
    return this.#tightest
  }

  note(quota: Quota): void {
    if (!this.#tightest || isTighter(quota, this.#tightest)) this.#tightest = quota
  }
}

function isTighter(quota: Quota, other: Quota): boolean {
  if (quota.retryAfterMs !== other.retryAfterMs) return quota.retryAfterMs > other.retryAfterMs
  return quota.remaining * other.limit <= other.remaining * quota.limit
}

/** What an answer says of a limit (draft-ietf-httpapi-ratelimit-headers-11): none where none was looked at. */
export function quotaHeaders({ tightest }: Quotas): Readonly<Record<string, string>> {
  if (!tightest) return {}
  const { policy, rate, perMs, remaining, resetMs, retryAfterMs } = tightest
  const seconds = Math.ceil((retryAfterMs > 0 ? retryAfterMs : resetMs) / 1_000)
  return {
    'ratelimit-policy': `"${policy}";q=${rate};w=${perMs / 1_000}`,
    ratelimit: `"${policy}";r=${remaining};t=${seconds}`,
  }
}

/** The failure of a call that is one too many. @param nowMs of the app's clock */
export function tooManyCalls(quota: Quota, nowMs: number): Failure {
  const { limit, remaining, resetMs, retryAfterMs } = quota
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1_000)
  return fail('TOO_MANY_REQUESTS', `${sentence(quota)}; try again in ${retryAfterSeconds} s.`, {
    details: {
      limit,
      remaining,
      resetAt: new Date(Math.ceil(nowMs + resetMs)).toISOString(),
      retryAfterSeconds,
    },
  })
}

function sentence({ policy, rate, perMs }: Quota): string {
  const most = `at most ${rate} in ${perMs === 1_000 ? 'a second' : `${perMs / 1_000} s`}`
  switch (policy) {
    case 'failing':
      return `Too many of these calls have failed, ${most} may`
    case 'integrations':
      return `Too many calls to integrations, ${most} are taken`
    case 'user':
    case 'anonymous':
      return `Too many calls, ${most} are taken`
    default:
      return `Too many calls of ${policy}, ${most} are taken`
  }
}
