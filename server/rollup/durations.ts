/** Where the buckets of durations end, in milliseconds: from a read in memory to the longest that a call may last. */
export const DURATION_ENDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 120_000,
]

/** Gives the bucket of a duration, from 0; what lasts longer than all others is in the last one. */
export function bucketOf(durationMs: number): number {
  const found = DURATION_ENDS_MS.findIndex((endMs) => durationMs <= endMs)
  return found < 0 ? DURATION_ENDS_MS.length - 1 : found
}

/**
 * Estimates the duration that a part of the calls kept within, in milliseconds, as if those of a bucket were spread over it
 * evenly; to a tenth. Null without calls.
 *
 * @param part from 0 to 1: 0.95 for the 95th percentile
 */
export function quantileMs(counts: readonly number[], part: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0)
  if (all === 0) return null
  const wanted = all * part
  let below = 0
  for (const [bucket, count] of counts.entries()) {
    if (below + count >= wanted && count > 0) {
      const startMs = DURATION_ENDS_MS[bucket - 1] ?? 0
      const endMs = DURATION_ENDS_MS[bucket] ?? startMs
      return tenths(startMs + ((endMs - startMs) * (wanted - below)) / count)
    }
    below += count
  }
  return DURATION_ENDS_MS.at(-1) ?? null
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
