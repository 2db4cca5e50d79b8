import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Failure } from '../../server/core/result.ts'
import { CallSlot, CallSlots, type CallSlotsOptions } from '../../server/invocation/call-slots.ts'

// limits.md: caller-share, waiting-calls, call-wait, suspended-calls

/** With room for 40 calls, of which one caller has five. */
function slots(options: Partial<CallSlotsOptions> = {}) {
  return new CallSlots({ connections: 10, ...options })
}

type Entered = Awaited<ReturnType<CallSlots['enter']>>

/** Enters so often, and tells how each came out as far as it is known. */
function enter(room: CallSlots, holder: string | undefined, times: number) {
  const entered: { outcome: Entered | 'waits' }[] = []
  for (let nth = 0; nth < times; nth += 1) {
    const one: { outcome: Entered | 'waits' } = { outcome: 'waits' }
    entered.push(one)
    const outcome = room.enter(holder)
    if (!(outcome instanceof Promise)) one.outcome = outcome
    else
      void outcome.then((known) => {
        one.outcome = known
      })
  }
  return entered
}

const turns = () => new Promise(setImmediate)
const isIn = ({ outcome }: { outcome: Entered | 'waits' }) => outcome instanceof CallSlot
const codesOf = (entered: readonly { outcome: Entered | 'waits' }[]) =>
  entered.map(({ outcome }) =>
    outcome === 'waits' ? 'waits' : outcome instanceof CallSlot ? 'in' : (outcome as Failure).code,
  )

function slotOf({ outcome }: { outcome: Entered | 'waits' }): CallSlot {
  if (!(outcome instanceof CallSlot)) throw new Error('It is not in')
  return outcome
}

describe('the room for calls', () => {
  it('lets one caller have half of the connections', () => {
    expect(enter(slots(), 'user:a', 8).filter(isIn)).toHaveLength(5)
  })

  it('is all of it for one caller where the share is 1', () => {
    expect(enter(slots({ callerShare: 1 }), 'user:a', 50).filter(isIn)).toHaveLength(40)
  })

  it('lets in four calls for each connection, whoever makes them', () => {
    const room = slots()
    const all = Array.from({ length: 50 }, (_one, nth) => enter(room, `user:${nth}`, 1)).flat()
    expect(all.filter(isIn)).toHaveLength(40)
  })

  it('never keeps the owner waiting', () => {
    const room = slots()
    for (let nth = 0; nth < 60; nth += 1) enter(room, `user:${nth}`, 1)
    expect(codesOf(enter(room, undefined, 3))).toEqual(['in', 'in', 'in'])
  })

  it('gives room that becomes free to callers in turn', async () => {
    const room = slots()
    const first = enter(room, 'user:flood', 30)
    const others = Array.from({ length: 35 }, (_one, nth) => enter(room, `user:${nth}`, 1)).flat()
    expect(others.filter(isIn)).toHaveLength(35)
    const late = enter(room, 'user:late', 1)
    // Two of the flood's five end: one of its 25 has the one place, and the late one the other.
    for (const nth of [0, 1]) slotOf(first[nth] ?? { outcome: 'waits' }).leave()
    await turns()
    expect(codesOf(late)).toEqual(['in'])
    expect(first.filter(isIn)).toHaveLength(6)
  })

  it('lets others work while a call waits for its turn, and its caller have no more of it', async () => {
    const room = slots()
    const own = enter(room, 'user:a', 6)
    let take = () => {}
    const turn = new Promise<void>((resolve) => {
      take = resolve
    })
    const waiting = slotOf(own[0] ?? { outcome: 'waits' }).whileItWaits(turn)
    await turns()
    expect(own.filter(isIn)).toHaveLength(5)
    expect(room.counts).toMatchObject({ working: 4, waitingForTurns: 1, waiting: 1 })
    const others = Array.from({ length: 36 }, (_one, nth) => enter(room, `user:${nth}`, 1)).flat()
    expect(others.filter(isIn)).toHaveLength(36)
    take()
    await waiting
    expect(room.counts).toMatchObject({ working: 41, waitingForTurns: 0 })
  })

  it('lets others work while a call waits for a provider, and takes it back before new ones', async () => {
    const room = slots()
    const own = enter(room, 'user:a', 6)
    let answer = () => {}
    const provider = new Promise<void>((resolve) => {
      answer = resolve
    })
    let isBack = false
    const called = slotOf(own[0] ?? { outcome: 'waits' })
      .whileOutside(() => provider)
      .then(() => {
        isBack = true
      })
    await turns()
    expect(own.filter(isIn)).toHaveLength(6)
    const others = Array.from({ length: 36 }, (_one, nth) => enter(room, `user:${nth}`, 1)).flat()
    expect(others.filter(isIn)).toHaveLength(35)
    answer()
    await turns()
    expect(isBack).toBe(false)
    slotOf(others[0] ?? { outcome: 'waits' }).leave()
    await called
    expect(others.filter(isIn)).toHaveLength(35)
    expect(room.counts).toMatchObject({ working: 40, suspended: 0, waiting: 1 })
  })

  it('lets a call that leaves while it waits for room again stop waiting, and has its room', async () => {
    const room = slots()
    const [own] = enter(room, 'user:a', 1).map(slotOf)
    const called = own?.whileOutside(async () => {
      for (let nth = 0; nth < 40; nth += 1) enter(room, `user:${nth}`, 1)
    })
    await turns()
    expect(room.counts).toMatchObject({ working: 40, suspended: 1 })
    own?.leave()
    expect(await called).toBeUndefined()
    expect(room.counts).toEqual({ working: 40, suspended: 0, waiting: 0, waitingForTurns: 0 })
  })

  it('refuses the caller who has too many calls at providers, and begins none of them', async () => {
    const room = slots({ maxSuspended: 4 })
    const own = enter(room, 'user:a', 3).map(slotOf)
    const begun: number[] = []
    const never = new Promise<void>(() => {})
    const answers = own.map((slot, nth) =>
      slot.whileOutside(() => {
        begun.push(nth)
        return never
      }),
    )
    expect(await answers[2]).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      error: 'At most 2 of your calls may wait for other services at once; send fewer at a time.',
      details: { retryAfterSeconds: 1 },
    })
    expect(begun).toEqual([0, 1])
  })

  it('refuses a caller with too many that wait, and has room for others', () => {
    const room = slots({ maxWaiting: 20 })
    expect(codesOf(enter(room, 'user:a', 17)).slice(14)).toEqual([
      'waits',
      'TOO_MANY_REQUESTS',
      'TOO_MANY_REQUESTS',
    ])
    expect(codesOf(enter(room, 'user:b', 1))).toEqual(['in'])
  })

  it('takes the place of whoever has the most that wait, once too many do', async () => {
    let nowMs = 0
    const room = slots({ maxWaiting: 200, callerShare: 0.9, now: () => nowMs })
    nowMs = 1
    const first = enter(room, 'user:a', 9 + 150)
    const second = enter(room, 'user:b', 9 + 50)
    expect(codesOf(first).slice(-1)).toEqual(['waits'])
    const third = enter(room, 'user:c', 9)
    // All room is not taken yet: nine of each are at work.
    expect(third.filter(isIn)).toHaveLength(9)
    enter(room, 'user:d', 13)
    await turns()
    expect(codesOf(first).slice(-1)).toEqual(['SERVICE_UNAVAILABLE'])
    expect(second.filter(({ outcome }) => outcome === 'waits')).toHaveLength(50)
  })

  it('refuses behind a hundred that wait, as soon as it would take more than a second', async () => {
    let nowMs = 0
    const room = slots({ now: () => nowMs })
    const working = Array.from({ length: 40 }, (_one, nth) => enter(room, `user:${nth}`, 1))
      .flat()
      .map(slotOf)
    const waiting = Array.from({ length: 300 }, (_one, nth) => enter(room, `late:${nth}`, 1)).flat()
    expect(waiting.every(({ outcome }) => outcome === 'waits')).toBe(true)
    // Each takes 20 ms.
    for (const slot of working) {
      nowMs += 20
      slot.leave()
    }
    await turns()
    expect(waiting.filter(isIn)).toHaveLength(40)
    expect(codesOf(enter(room, 'user:new', 1))).toEqual(['SERVICE_UNAVAILABLE'])
  })

  it('takes no time in which none waited for a time that calls take', async () => {
    let nowMs = 0
    const room = slots({ now: () => nowMs })
    const working = Array.from({ length: 40 }, (_one, nth) => enter(room, `user:${nth}`, 1))
      .flat()
      .map(slotOf)
    for (let nth = 0; nth < 30; nth += 1) {
      const late = enter(room, `late:${nth}`, 1)
      nowMs += 60_000
      working[nth]?.leave()
      await turns()
      expect(codesOf(late)).toEqual(['in'])
    }
    const burst = Array.from({ length: 300 }, (_one, nth) => enter(room, `burst:${nth}`, 1)).flat()
    expect(burst.every(({ outcome }) => outcome === 'waits')).toBe(true)
  })

  it('tells once a second how many it has refused', () => {
    vi.useFakeTimers()
    try {
      const told: number[] = []
      const room = slots({ maxWaiting: 2, onRefused: (calls) => told.push(calls) })
      enter(room, 'user:a', 16)
      vi.advanceTimersByTime(1_000)
      expect(told).toEqual([10])
    } finally {
      vi.useRealTimers()
    }
  })

  it('refuses what has waited for too long, with the reason', async () => {
    vi.useFakeTimers()
    try {
      const room = slots({ maxWaitMs: 100 })
      const own = enter(room, 'user:a', 6)
      for (let nth = 0; nth < 40; nth += 1) enter(room, `user:${nth}`, 1)
      const late = enter(room, 'user:late', 1)
      await vi.advanceTimersByTimeAsync(100)
      expect(codesOf(own).slice(-1)).toEqual(['TOO_MANY_REQUESTS'])
      expect(codesOf(late)).toEqual(['SERVICE_UNAVAILABLE'])
      expect(room.counts.waiting).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('refuses each in its own time, and none that was let in meanwhile', async () => {
    vi.useFakeTimers()
    try {
      const room = slots({ maxWaitMs: 100 })
      const working = enter(room, 'user:a', 5).map(slotOf)
      const waiting: ReturnType<typeof enter> = []
      for (let nth = 0; nth < 4; nth += 1) {
        waiting.push(...enter(room, 'user:a', 1))
        await vi.advanceTimersByTimeAsync(30)
      }
      // After 120 ms: the first one is late, the second one has the room that was left to it, two go on waiting.
      working[0]?.leave()
      await vi.advanceTimersByTimeAsync(0)
      expect(codesOf(waiting)).toEqual(['TOO_MANY_REQUESTS', 'in', 'waits', 'waits'])
      await vi.advanceTimersByTimeAsync(39)
      expect(codesOf(waiting)).toEqual(['TOO_MANY_REQUESTS', 'in', 'waits', 'waits'])
      await vi.advanceTimersByTimeAsync(1)
      expect(codesOf(waiting).slice(2)).toEqual(['TOO_MANY_REQUESTS', 'waits'])
      await vi.advanceTimersByTimeAsync(30)
      expect(codesOf(waiting).slice(2)).toEqual(['TOO_MANY_REQUESTS', 'TOO_MANY_REQUESTS'])
      // Once the queue was empty, the next one has a time of its own as well.
      const last = enter(room, 'user:a', 1)
      await vi.advanceTimersByTimeAsync(99)
      expect(codesOf(last)).toEqual(['waits'])
      await vi.advanceTimersByTimeAsync(1)
      expect(codesOf(last)).toEqual(['TOO_MANY_REQUESTS'])
    } finally {
      vi.useRealTimers()
    }
  })

  it('holds nothing of calls that have left, whatever they were doing', async () => {
    const room = slots()
    const [one, two, three] = enter(room, 'user:a', 3).map(slotOf)
    const never = new Promise<void>(() => {})
    void one?.whileItWaits(never)
    void two?.whileOutside(() => never)
    for (const slot of [one, two, three, three]) slot?.leave()
    expect(room.inFlight).toBe(0)
    expect(room.counts).toEqual({ working: 0, waiting: 0, waitingForTurns: 0, suspended: 0 })
  })

  it('keeps no call waiting for room that it holds itself, in whatever order its parts go out and come back', async () => {
    const step = fc.record({
      call: fc.nat({ max: 19 }),
      does: fc.constantFrom('out', 'back', 'turn', 'leave'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const room = slots({ connections: 4 })
        const calls = Array.from({ length: 20 }, () => ({
          slot: slotOf(enter(room, undefined, 1)[0] ?? { outcome: 'waits' }),
          ends: [] as (() => void)[],
          waits: [] as Promise<unknown>[],
        }))
        const until = (ends: (() => void)[]) => new Promise<void>((resolve) => ends.push(resolve))
        for (const { call, does } of steps) {
          const one = calls[call]
          if (!one) continue
          const { slot, ends, waits } = one
          if (does === 'out') waits.push(slot.whileOutside(() => until(ends)))
          else if (does === 'turn') waits.push(slot.whileItWaits(until(ends)))
          else if (does === 'back') ends.shift()?.()
          else slot.leave()
          await Promise.resolve()
          expect(room.counts.working).toBe(calls.filter((each) => each.slot.state === 'working').length)
        }
        // Each leaves once nothing of it is outside, as calls do.
        for (const { slot, ends, waits } of calls) {
          for (const end of ends) end()
          void Promise.all(waits).then(() => slot.leave())
        }
        for (let turn = 0; turn < 5; turn += 1) await turns()
        expect(room.counts).toEqual({ working: 0, waiting: 0, waitingForTurns: 0, suspended: 0 })
      }),
    )
  })

  it('lets a call go on that goes out again while it waits for room', async () => {
    const room = slots({ connections: 4 })
    const ends: (() => void)[] = []
    const until = () => new Promise<void>((resolve) => ends.push(resolve))
    const [slot] = enter(room, 'user:a', 1).map(slotOf)
    const first = slot?.whileOutside(until)
    const others = Array.from({ length: 16 }, (_one, nth) => enter(room, `user:${nth}`, 1))
    expect(others.flat().filter(isIn)).toHaveLength(16)
    ends[0]?.()
    await turns()
    const second = slot?.whileOutside(until)
    expect(await first).toBeUndefined()
    ends[1]?.()
    await turns()
    expect(slot?.state).toBe('suspended')
    slotOf(others[0]?.[0] ?? { outcome: 'waits' }).leave()
    expect(await second).toBeUndefined()
    expect(slot?.state).toBe('working')
  })
})
