import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Execution } from '../../server/invocation/execution.ts'
import { Invocation } from '../../server/invocation/invocation.ts'
import { InvocationRecord } from '../../server/invocation/invocation-record.ts'
import { runInvocation } from '../../server/invocation/run.ts'
import { BRIEF_DEADLINE_MS, createProbe, eventData, type Probe } from './probe.ts'

// limits.md: deadline

let probe: Probe
beforeAll(async () => {
  probe = await createProbe({ max: 1 })
})
afterAll(() => probe[Symbol.asyncDispose]())

const forever = () => new Promise<never>(() => {})
const timedOut = { success: false, code: 'GATEWAY_TIMEOUT' }

describe('a deadline that passes', () => {
  it('undoes what was written, frees the only connection and aborts the signal', async () => {
    const recordId = randomUUID()
    const signals: AbortSignal[] = []
    const outcome = await probe.runBriefly(async (ctx) => {
      signals.push(ctx.signal)
      await ctx.tools.create('events', eventData(), recordId)
      return forever()
    })
    expect(outcome).toMatchObject(timedOut)
    expect(signals.map((signal) => signal.aborted)).toEqual([true])
    expect(await probe.event(recordId)).toBeUndefined()
  })

  it('finds a signal that is first asked for afterwards aborted', async () => {
    const late: boolean[] = []
    await probe.runBriefly(async (ctx) => {
      const asked = new Promise<void>((resolve) => {
        setTimeout(() => {
          late.push(ctx.signal.aborted)
          resolve()
        }, 2 * BRIEF_DEADLINE_MS)
      })
      await asked
      return ok(1)
    })
    await vi.waitFor(() => expect(late).toEqual([true]))
  })

  it('lets a listener of the signal write nothing', async () => {
    const recordId = randomUUID()
    await probe.runBriefly(async (ctx) => {
      await ctx.tools.count('events')
      ctx.signal.addEventListener('abort', () => void ctx.tools.create('events', eventData(), recordId))
      return forever()
    })
    expect(await probe.event(recordId)).toBeUndefined()
  })

  describe('by a clock that a test moves', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    })
    afterEach(() => {
      vi.useRealTimers()
    })
    const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

    it('counts the time of all runs together', async () => {
      let runs = 0
      const outcome = await probe.runBriefly(async (ctx) => {
        runs += 1
        await ctx.tools.count('events')
        await pass(BRIEF_DEADLINE_MS / 4 - 5)
        await ctx.tools.once(`step-${runs}`, () => runs)
        // Five runs would take as long, and there is none after them.
        if (runs === 5) await pass(BRIEF_DEADLINE_MS)
        return runs > 20 ? ok('never timed out') : forever()
      })
      expect(outcome).toMatchObject(timedOut)
      expect(runs).toBe(5)
    })

    it('does not count the time of a provider, before and after the first data access', async () => {
      const answered = await probe.runBriefly(async (ctx) => {
        const slow = () => pass(2 * BRIEF_DEADLINE_MS).then(() => 1)
        await ctx.tools.once('before', slow)
        await ctx.tools.count('events')
        await ctx.tools.once('after', slow)
        return ok(ctx.attempt)
      })
      expect(answered).toEqual(ok(2))
    })
  })
})

describe('the lifetime of an invocation', () => {
  async function runFor(lifetimeMs: number, handler: Parameters<typeof runInvocation>[1]) {
    const { engine } = probe.app
    const actor = { kind: 'user', userId: 'ada', token: '', claims: {} } as const
    const invocation = new Invocation({
      log: engine.log,
      actor,
      action: 'lifetime',
      requestId: 'r',
      readOnly: false,
      deadlineMs: 60_000,
      lifetimeMs,
    })
    const record = new InvocationRecord(engine.fingerprint, engine.clock())
    return runInvocation(new Execution(engine, { invocation, record }), handler)
  }
  const count = { sql: 'select count(*) from events', params: [] }
  const neverAnswered = { name: 'once:x', fingerprint: '', perform: forever }

  it('ends a call whose step before the first data access never answers', async () => {
    expect(await runFor(200, async (attempt) => ok(await attempt.step(neverAnswered)))).toMatchObject(
      timedOut,
    )
  })

  it('ends a call whose step after a data access never answers', async () => {
    const outcome = await runFor(200, async (attempt) => {
      await attempt.run(count)
      return ok(await attempt.step(neverAnswered))
    })
    expect(outcome).toMatchObject(timedOut)
  })

  it('gives the turns back when data is waiting for a step that never answers', async () => {
    const { turns } = probe.app.engine
    const outcome = runFor(200, async (attempt) => {
      await Promise.all([attempt.step(neverAnswered), attempt.run(count)])
      return ok(1)
    })
    expect(await outcome).toMatchObject(timedOut)
    expect(turns.isTaken('action:lifetime')).toBe(false)
    expect(await probe.run((ctx) => ctx.tools.count('events'))).toMatchObject({ success: true })
  })
})
