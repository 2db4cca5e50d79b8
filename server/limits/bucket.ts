// The arithmetic of limits (the generic cell rate algorithm, ITU-T I.371): no clock and no database. All times are whole
// microseconds, so that nothing is rounded twice.

/** How many calls are taken: `rate` in each `perMs`, and up to `burst` of them at once. */
export interface Rate {
  readonly rate: number
  /** Milliseconds. */
  readonly perMs: number
  readonly burst: number
}

/** A rate as its arithmetic needs it. */
export interface Bucket {
  /** After how long one more token is there. */
  readonly intervalUs: number
  /** After how long an empty bucket is full again. */
  readonly capacityUs: number
}

/** A bucket that says a time in the future beyond this many of its capacities was filled by another clock or limit. */
const MAX_CAPACITIES = 2

/** Makes the bucket of a rate. */
export function bucketOf({ rate, perMs, burst }: Rate): Bucket {
  const intervalUs = Math.max(1, Math.round((perMs * 1_000) / rate))
  return { intervalUs, capacityUs: burst * intervalUs }
}

/** When a bucket is full that was left to be full at `fullAtUs`: never in the past, and never absurdly late. */
function fullAt({ capacityUs }: Bucket, fullAtUs: number, nowUs: number): number {
  return Math.max(nowUs, Math.min(fullAtUs, nowUs + MAX_CAPACITIES * capacityUs))
}

/** When the bucket is full once these tokens are taken of it, or put back where there are fewer than none of them. */
export function fullAfter(bucket: Bucket, fullAtUs: number, nowUs: number, tokens: number): number {
  return Math.max(nowUs, fullAt(bucket, fullAtUs, nowUs) + tokens * bucket.intervalUs)
}

/** How many whole tokens there are. */
export function tokensIn(bucket: Bucket, fullAtUs: number, nowUs: number): number {
  const roomUs = nowUs + bucket.capacityUs - fullAt(bucket, fullAtUs, nowUs)
  return Math.max(0, Math.floor(roomUs / bucket.intervalUs))
}

/** How long it takes until so many tokens are there; 0 when they are. */
export function waitFor(bucket: Bucket, fullAtUs: number, nowUs: number, tokens: number): number {
  const lackingUs = fullAt(bucket, fullAtUs, nowUs) + tokens * bucket.intervalUs - bucket.capacityUs - nowUs
  return Math.max(0, lackingUs)
}
