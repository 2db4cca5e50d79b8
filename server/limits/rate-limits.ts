/** How many calls a minute the whole app takes, and as many at once; `none` for no limit. */
export interface RateLimits {
  /** Of one user. */
  readonly user: CallsPerMinute
  /** Of one address, by callers without a token. */
  readonly anonymous: CallsPerMinute
  /** That fail: of one user, or of one address by callers without a token. */
  readonly failing: CallsPerMinute
  /** To integrations without an action: of one user, or of one address by callers without a token. */
  readonly integrations: CallsPerMinute
}

export type CallsPerMinute = number | 'none'

export const DEFAULT_RATE_LIMITS: RateLimits = { user: 1_200, anonymous: 120, failing: 60, integrations: 60 }

/** Limits nothing. */
export const NO_RATE_LIMITS: RateLimits = {
  user: 'none',
  anonymous: 'none',
  failing: 'none',
  integrations: 'none',
}
