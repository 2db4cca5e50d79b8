import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FailedCall, type FailureCount, FailureSamples } from '../../server/audit/failure-samples.ts'

const WHOLE = 30

function samples() {
  let nowMs = 0
  const counts: FailureCount[] = []
  const made = new FailureSamples({
    whole: WHOLE,
    nowMs: () => nowMs,
    onCounted: (count) => counts.push(count),
  })
  return {
    counts,
    fail: (call: Partial<FailedCall> = {}) =>
      made.isWhole({ userId: 'ada', caller: 'user ada', action: 'act', code: 'BAD_REQUEST', ...call }),
    times: (failures: number, call: Partial<FailedCall> = {}) =>
      Array.from({ length: failures }, () =>
        made.isWhole({ userId: 'ada', caller: 'user ada', action: 'act', code: 'BAD_REQUEST', ...call }),
      ).filter((isWhole) => isWhole).length,
    move: (ms: number) => {
      nowMs += ms
    },
    endAll: () => made.endAll(),
  }
}

const total = (counts: readonly FailureCount[]) => counts.reduce((sum, { calls }) => sum + calls, 0)

describe('failures of one caller', () => {
  it('are written whole up to a number in a minute, and then one of a hundred', () => {
    const { times, counts, endAll } = samples()
    expect(times(WHOLE)).toBe(WHOLE)
    expect(times(99)).toBe(0)
    expect(times(1)).toBe(1)
    endAll()
    expect(counts).toEqual([
      { userId: 'ada', caller: 'user ada', action: 'act', code: 'BAD_REQUEST', calls: 99, windowMs: 0 },
    ])
  })

  it('are written whole again when the minute is over, and what was counted is told then', () => {
    const { times, counts, move } = samples()
    times(WHOLE + 10)
    move(59_999)
    expect(times(1)).toBe(0)
    expect(counts).toEqual([])
    move(1)
    expect(times(1)).toBe(1)
    expect(counts).toMatchObject([{ calls: 11, windowMs: 60_000 }])
  })

  it('are counted by action and code, and cost no other caller a row', () => {
    const { times, fail, counts, endAll } = samples()
    times(WHOLE)
    // The first three of each are whole, whatever came before.
    expect(times(6, { code: 'FORBIDDEN' })).toBe(3)
    expect(times(5, { action: 'other' })).toBe(3)
    expect(fail({ caller: 'user eve', userId: 'eve' })).toBe(true)
    endAll()
    expect(counts.map(({ action, code, calls }) => [action, code, calls])).toEqual([
      ['act', 'FORBIDDEN', 3],
      ['other', 'BAD_REQUEST', 2],
    ])
  })

  it('are whole for the first of a hundred actions and codes, and no more', () => {
    const { fail } = samples()
    for (let nth = 0; nth < 100; nth += 1) expect(fail({ action: `act ${nth}` })).toBe(true)
    let whole = 0
    for (let nth = 100; nth < 150; nth += 1)
      for (let time = 0; time < 3; time += 1) if (fail({ action: `act ${nth}` })) whole += 1
    // One of a hundred.
    expect(whole).toBe(2)
  })

  it('are remembered of so many callers, and none is lost where there are more', () => {
    const { times, counts, fail, endAll } = samples()
    times(WHOLE + 5)
    for (let nth = 0; nth < 6_000; nth += 1) fail({ caller: `address ${nth}`, userId: undefined })
    expect([counts, times(5)]).toEqual([[], 0])
    for (let nth = 0; nth < 5_000; nth += 1) fail({ caller: `user ${nth}`, userId: String(nth) })
    expect(counts).toMatchObject([{ caller: 'user ada', calls: 10 }])
    endAll()
    expect(total(counts)).toBe(10)
  })

  it('are all written or counted, whenever they come', () => {
    const call = fc.record({
      caller: fc.constantFrom('user ada', 'user eve', 'address 203.0.113.7'),
      code: fc.constantFrom('FORBIDDEN', 'NOT_FOUND'),
      afterMs: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 30_000),
    })
    fc.assert(
      fc.property(fc.array(call, { minLength: 100, maxLength: 400 }), (calls) => {
        const { fail, move, counts, endAll } = samples()
        let whole = 0
        for (const { caller, code, afterMs } of calls) {
          move(afterMs)
          if (fail({ caller, code })) whole += 1
        }
        endAll()
        expect(whole + total(counts)).toBe(calls.length)
      }),
    )
  })
})
