import { describe, expect, it } from 'vitest'
import { createRateLimit } from '../../server/http/rate-limit.ts'

/** A limit of 3 calls, on a clock that stands until it is moved. */
function limited(options: { readonly maxAddresses?: number } = {}) {
  let nowMs = Date.parse('2030-01-01T00:00:00.000Z')
  const count = createRateLimit({ callsPerMinute: 3, clock: () => new Date(nowMs), ...options })
  return {
    count,
    /** How many of so many calls pass. */
    passed: (calls: number, address: string | undefined) =>
      Array.from({ length: calls }, () => count(address)).filter((failure) => failure === undefined).length,
    move: (ms: number) => {
      nowMs += ms
    },
  }
}

describe('the limit of an address', () => {
  it('lets exactly as many calls of a burst through', () => {
    const { passed } = limited()
    expect(passed(100, '198.51.100.7')).toBe(3)
  })

  it('names itself and when it is over', () => {
    const { count, passed, move } = limited()
    passed(3, '198.51.100.7')
    move(17_500)
    expect(count('198.51.100.7')).toEqual({
      success: false,
      code: 'TOO_MANY_REQUESTS',
      error: 'From one address at most 3 of these calls are taken in a minute; try again in 43 s.',
      details: { budget: 'address', resetAt: '2030-01-01T00:01:00.000Z', retryAfterSeconds: 43 },
    })
  })

  it('counts anew when it says so, and not before, refused calls or not', () => {
    const { passed, move } = limited()
    expect(passed(10, '198.51.100.7')).toBe(3)
    move(59_999)
    expect(passed(10, '198.51.100.7')).toBe(0)
    move(1)
    expect(passed(10, '198.51.100.7')).toBe(3)
  })

  it('is not lengthened by a clock that is set back', () => {
    const { passed, move } = limited()
    expect(passed(4, '198.51.100.7')).toBe(3)
    move(-3_600_000)
    expect(passed(4, '198.51.100.7')).toBe(3)
  })

  it('is shared by a /64 of IPv6, and by nobody else', () => {
    const { passed } = limited()
    expect(passed(2, '2001:db8:1:2::1')).toBe(2)
    expect(passed(2, '2001:db8:1:2:ffff::1')).toBe(1)
    expect(passed(2, '2001:db8:1:3::1')).toBe(2)
    expect(passed(2, '198.51.100.7')).toBe(2)
    expect(passed(2, '198.51.100.8')).toBe(2)
  })

  it('counts calls whose address is not known together', () => {
    const { passed } = limited()
    expect(passed(10, undefined)).toBe(3)
  })

  it('is none where none is wanted', () => {
    const count = createRateLimit({ callsPerMinute: 'none' })
    expect(Array.from({ length: 1_000 }, () => count('198.51.100.7'))).toEqual(Array(1_000).fill(undefined))
  })

  it('forgets those who called longest ago when there are too many', () => {
    const { passed } = limited({ maxAddresses: 2 })
    for (const address of ['198.51.100.1', '198.51.100.2', '198.51.100.1', '198.51.100.3']) passed(2, address)
    expect(passed(3, '198.51.100.1')).toBe(0)
    expect(passed(3, '198.51.100.2')).toBe(3)
  })
})
