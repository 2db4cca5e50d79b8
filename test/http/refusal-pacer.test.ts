import { describe, expect, it } from 'vitest'
import { isRefusal, RefusalPacer } from '../../server/http/refusal-pacer.ts'
import type { LimitedCaller } from '../../server/limits/limiter.ts'

function paced() {
  const clock = { nowMs: 1_000 }
  return {
    clock,
    pacer: new RefusalPacer({
      all: { burst: 3, perSecond: 10 },
      ofOne: { burst: 1, perSecond: 5 },
      maxDelayMs: 500,
      now: () => clock.nowMs,
    }),
  }
}

const ADA = { userId: 'ada', address: '192.0.2.1' }
const BOB = { userId: 'bob', address: '192.0.2.1' }
const STRANGER = { userId: undefined, address: '192.0.2.1' }

const delays = (pacer: RefusalPacer, times: number, caller?: LimitedCaller) =>
  Array.from({ length: times }, () => Math.round(pacer.nextDelayMs(caller)))

describe('the pace of refusals', () => {
  it('sends some at once, holds the next ones for longer and longer, and none for longer than its bound', () => {
    expect(delays(paced().pacer, 12)).toEqual([0, 0, 0, 0, 100, 200, 300, 400, 500, 500, 500, 500])
  })

  it('is slower for one caller than for all, and no other waits for it', () => {
    const { pacer } = paced()
    expect(delays(pacer, 3, ADA)).toEqual([0, 0, 200])
    expect(delays(pacer, 1, BOB)).toEqual([0])
    // By now there are too many of all.
    expect(delays(pacer, 1, STRANGER)).toEqual([100])
  })

  it('counts signed-in callers each for themselves, and strangers by their address or its /64', () => {
    const pacer = new RefusalPacer({ ofOne: { burst: 0, perSecond: 1 }, now: () => 1_000 })
    const address = '2001:db8:1:2::1'
    expect(delays(pacer, 2, { userId: undefined, address })).toEqual([0, 1_000])
    expect(delays(pacer, 1, { userId: undefined, address: '2001:db8:1:2::ffff' })).toEqual([2_000])
    expect(delays(pacer, 1, { userId: undefined, address: '2001:db8:1:3::1' })).toEqual([0])
    expect(delays(pacer, 1, { userId: 'ada', address })).toEqual([0])
    expect(delays(pacer, 1, { userId: 'bob', address })).toEqual([0])
    expect(delays(pacer, 1, { userId: 'ada', address: '192.0.2.1' })).toEqual([1_000])
  })

  it('holds nothing once the server stops, and nothing that is no refusal', async () => {
    const refusal = { status: 429, headers: { 'retry-after': '1' }, body: '' }
    const stopping = new RefusalPacer({ ofOne: { burst: 0, perSecond: 1 }, isStopping: () => true })
    const going = new RefusalPacer({ ofOne: { burst: 0, perSecond: 1 }, maxDelayMs: 1 })
    for (const pacer of [stopping, going]) pacer.nextDelayMs(ADA)
    expect(stopping.paced(refusal, ADA)).toBe(refusal)
    expect(going.paced({ ...refusal, status: 200 }, ADA)).toMatchObject({ status: 200 })
    const held = going.paced(refusal, ADA)
    expect(held).toBeInstanceOf(Promise)
    expect(await held).toBe(refusal)
  })

  it('is as before after a time without any', () => {
    const { clock, pacer } = paced()
    delays(pacer, 100)
    clock.nowMs += 500 + 100 + 300
    expect(delays(pacer, 5)).toEqual([0, 0, 0, 0, 100])
  })

  it('holds none where they come no faster than its pace', () => {
    const { clock, pacer } = paced()
    const seen = Array.from({ length: 50 }, () => {
      clock.nowMs += 100
      return pacer.nextDelayMs()
    })
    expect(Math.max(...seen)).toBe(0)
  })

  it.each([
    [429, { 'retry-after': '1' }, true],
    [503, { 'retry-after': '1' }, true],
    [503, {}, false],
    [500, { 'retry-after': '1' }, false],
    [409, { 'retry-after': '1' }, false],
  ] as const)('takes %i with %o for a refusal: %s', (status, headers, expected) => {
    expect(isRefusal({ status, headers, body: '' })).toBe(expected)
  })
})
