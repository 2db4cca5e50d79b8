// limits.md: live-pace

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ok } from '../../server/core/result.ts'
import { LiveHub } from '../../server/live/live-hub.ts'
import type { LivePlan } from '../../server/live/live-query.ts'
import { DirectReads } from '../../server/trpc/run-as-caller.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { readExpiring, readStream } from './read-stream.ts'

const CHANGED = new Set(['events'])

describe('a stream of what changes all the time, by a clock that a test moves', () => {
  let app: TestApp
  beforeEach(async () => {
    app = await createTestApp()
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    })
  })
  afterEach(async () => {
    vi.useRealTimers()
    await app[Symbol.asyncDispose]()
  })

  /** Opens a stream of a number that is raised by one each millisecond. */
  async function open(plan: Pick<LivePlan, 'holder'>, read: (version: number) => Promise<number>) {
    const hub = new LiveHub({ engine: app.engine, reads: new DirectReads(app.engine, 'live') })
    let version = 0
    const query = {
      planFor: (): LivePlan => ({
        ...{ key: 'hot', isVolatile: false, reads: CHANGED, ...plan },
        run: async () => ok(await read(version)),
      }),
    }
    const opened = await hub.open({ actor: { kind: 'anonymous' }, address: undefined, query })
    if (!opened.success) throw new Error(opened.error)
    const pushed: unknown[] = []
    opened.data.attach({ isReady: true, send: ({ value }) => pushed.push(value), ping() {}, end() {} })
    const runHotFor = async (milliseconds: number) => {
      for (let at = 0; at < milliseconds; at += 1) {
        version += 1
        hub.changed(CHANGED)
        await vi.advanceTimersByTimeAsync(1)
      }
    }
    return { pushed, runHotFor, stop: () => hub.stop() }
  }

  it('is pushed ten times a second, and comes to the last change', async () => {
    const { pushed, runHotFor, stop } = await open({}, async (version) => version)
    await runHotFor(1_000)
    // The first answer, and then one in each 100 ms.
    expect(pushed.length).toBeGreaterThanOrEqual(10)
    expect(pushed.length).toBeLessThanOrEqual(12)
    await vi.advanceTimersByTimeAsync(100)
    expect(pushed.at(-1)).toBe(1_000)
    stop()
  })

  it('is run no sooner after a run that is apart than that took, and never twice at once', async () => {
    let [running, most, runs] = [0, 0, 0]
    const read = async (version: number) => {
      runs += 1
      running += 1
      most = Math.max(most, running)
      if (runs > 1) await new Promise((resolve) => setTimeout(resolve, 300))
      running -= 1
      return version
    }
    const { pushed, runHotFor, stop } = await open({ holder: 'ada' }, read)
    await runHotFor(3_000)
    // The first one, and then one in each 600 ms: 300 ms for a run, and a pause of as long.
    expect(runs).toBeGreaterThanOrEqual(5)
    expect(runs).toBeLessThanOrEqual(7)
    expect(most).toBe(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(pushed.at(-1)).toBe(3_000)
    stop()
  })
})

describe('a stream whose token expires', () => {
  it('ends then, although no one looks', async () => {
    await using app = await createTestApp({ livePace: { checkEveryMs: 600_000, lookEveryMs: 600_000 } })
    const url = await app.listen()
    const { stream, exp } = await readExpiring(async (exp) =>
      readStream(`${url}/api/records/events`, { token: await app.token('ada', { exp }) }),
    )
    await stream.until(({ isClosed }) => isClosed)
    expect(stream.ended?.reason).toBe('expired')
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000 - 5)
  })
})
