import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach } from 'vitest'

const DAY_MS = 86_400_000
/** Longer than tests of what a day has used take on a slow machine. */
const LONGEST_MS = 30_000

/** How long a test waits until midnight in UTC is over: not at all where it is further away than a test lasts. */
export function untilMidnightMs(nowMs: number): number {
  const leftMs = DAY_MS - (nowMs % DAY_MS)
  return leftMs > LONGEST_MS ? 0 : leftMs
}

// Runs before each test: budgets and what was spent are counted by the days of UTC, and a test that begins on one day
// must not end on the next.
beforeEach(async () => {
  const waitMs = untilMidnightMs(Date.now())
  if (waitMs > 0) await sleep(waitMs)
})
