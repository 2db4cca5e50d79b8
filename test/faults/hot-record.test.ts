import { ok } from 'deputyjs'
import { expect, it } from 'vitest'
import { createProbe } from '../invocation/probe.ts'
import { shortened } from '../support/shortened.ts'

const CALLERS = 64
const ALONE_MS = 2_000
const TOGETHER_MS = shortened({ short: 8_000, whole: 20_000 })

it('64 callers on one record: no lost update, and no conflict is seen', async () => {
  await using probe = await createProbe({ max: 10 })
  const rate = async (callers: number, lengthMs: number) => {
    const eventId = await probe.newEvent()
    const failures: unknown[] = []
    const endsAt = performance.now() + lengthMs
    let calls = 0
    let attempts = 0
    const caller = async () => {
      while (performance.now() < endsAt) {
        const answer = await probe.run(async (ctx) => {
          const event = await ctx.tools.get('events', eventId)
          if (!event.success) return event
          const attendeeCount = event.data.record.data.attendeeCount + 1
          const saved = await ctx.tools.update('events', eventId, { attendeeCount })
          return saved.success ? ok(ctx.attempt) : saved
        })
        calls += 1
        if (answer.success) attempts += Number(answer.data)
        else failures.push(answer)
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    expect(failures).toEqual([])
    expect(await probe.event(eventId)).toMatchObject({ attendeeCount: calls })
    return { perSecond: calls / (lengthMs / 1_000), attempts: attempts / calls }
  }
  const alone = await rate(1, ALONE_MS)
  const together = await rate(CALLERS, TOGETHER_MS)
  // A figure to look at: machines are too different for a bound.
  console.info(
    `one record: ${alone.perSecond.toFixed(0)} calls/s alone, ${together.perSecond.toFixed(0)} with ${CALLERS} callers, ${together.attempts.toFixed(3)} attempts a call`,
  )
}, 300_000)
