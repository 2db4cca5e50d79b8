import { expect, it } from 'vitest'
import { untilMidnightMs } from '../support/away-from-midnight.ts'

it.each([
  ['2026-11-30T12:00:00.000Z', 0],
  ['2026-11-30T23:59:29.999Z', 0],
  ['2026-11-30T23:59:30.000Z', 30_000],
  ['2026-12-31T23:59:59.999Z', 1],
  ['2027-01-01T00:00:00.000Z', 0],
])('a test that would begin at %s waits for %i ms, and does not see two days', (time, waitMs) => {
  expect(untilMidnightMs(Date.parse(time))).toBe(waitMs)
})
