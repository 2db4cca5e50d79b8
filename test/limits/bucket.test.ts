import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketOf, fullAfter, type Rate, tokensIn, waitFor } from '../../server/limits/bucket.ts'

const START_US = Date.parse('2030-01-01T00:00:00Z') * 1_000

/** Takes tokens where they are there, as the limiter does. */
function taker(rate: Rate) {
  const bucket = bucketOf(rate)
  let full = 0
  return {
    take(nowUs: number, tokens = 1): boolean {
      if (waitFor(bucket, full, nowUs, tokens) > 0) return false
      full = fullAfter(bucket, full, nowUs, tokens)
      return true
    },
    left: (nowUs: number) => tokensIn(bucket, full, nowUs),
    waitUs: (nowUs: number, tokens = 1) => waitFor(bucket, full, nowUs, tokens),
    bucket,
  }
}

const rates = fc.record({
  rate: fc.integer({ min: 1, max: 100_000 }),
  perMs: fc.constantFrom(1_000, 60_000, 3_600_000, 86_400_000),
  burst: fc.integer({ min: 1, max: 500 }),
})

describe('a bucket', () => {
  it('lets its burst through at once, and then its rate', () => {
    const { take, left, waitUs } = taker({ rate: 60, perMs: 60_000, burst: 3 })
    expect([1, 2, 3, 4].map(() => take(START_US))).toEqual([true, true, true, false])
    expect([left(START_US), waitUs(START_US)]).toEqual([0, 1_000_000])
    expect(take(START_US + 999_999)).toBe(false)
    expect([take(START_US + 1_000_000), take(START_US + 1_000_000)]).toEqual([true, false])
    expect(left(START_US + 60_000_000)).toBe(3)
  })

  it('takes a call that counts for several only where so many are there', () => {
    const { take, left } = taker({ rate: 60, perMs: 60_000, burst: 5 })
    expect([take(START_US, 3), take(START_US, 3), take(START_US, 2)]).toEqual([true, false, true])
    expect(left(START_US)).toBe(0)
  })

  it('waits no longer than two capacities, whatever the clock did', () => {
    const { take, waitUs, bucket } = taker({ rate: 60, perMs: 60_000, burst: 3 })
    for (let nth = 0; nth < 3; nth += 1) take(START_US)
    const earlier = START_US - 3_600_000_000
    expect(waitUs(earlier)).toBeLessThanOrEqual(2 * bucket.capacityUs)
  })

  it('never lets more through than its burst and what comes in meanwhile, and never less to one who waits', () => {
    fc.assert(
      fc.property(
        rates,
        fc.array(
          fc.record({
            afterUs: fc.integer({ min: 0, max: 5_000_000 }),
            tokens: fc.integer({ min: 1, max: 5 }),
          }),
          {
            maxLength: 60,
          },
        ),
        (rate, calls) => {
          const { take, waitUs, bucket } = taker(rate)
          let nowUs = START_US
          let taken = 0
          for (const { afterUs, tokens } of calls) {
            nowUs += afterUs
            const wanted = Math.min(tokens, rate.burst)
            const wait = waitUs(nowUs, wanted)
            expect(take(nowUs, wanted)).toBe(wait === 0)
            if (wait === 0) taken += wanted
            const most = rate.burst + (nowUs - START_US) / bucket.intervalUs
            expect(taken).toBeLessThanOrEqual(most)
          }
          expect(take(nowUs + waitUs(nowUs, 1), 1)).toBe(true)
        },
      ),
    )
  })
})
