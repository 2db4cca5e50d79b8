import { ok } from 'deputyjs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ActionContext } from '../fixture/deputy.ts'
import { json } from '../integrations/upstream.ts'
import { createProbe, eventData, type Probe } from './probe.ts'

// limits.md: steps

let probe: Probe
let endpoint: string
let serial = 0
beforeAll(async () => {
  probe = await createProbe()
})
afterAll(() => probe[Symbol.asyncDispose]())
beforeEach(() => {
  serial += 1
  endpoint = `bank/replay-${serial}`
})

const bodies = () => probe.upstream.calls(endpoint).map(({ body }) => body)

describe('data that changes between the runs', () => {
  /** Asks about an event's title, which somebody else changes during each of the first `changes` calls. */
  async function askWhileChanging(changes: number) {
    const eventId = await probe.newEvent('title 0')
    let changed = 0
    probe.upstream.on(endpoint, async ({ body }, response) => {
      if (changed < changes) {
        changed += 1
        await probe.run((ctx) => ctx.tools.update('events', eventId, { title: `title ${changed}` }))
      }
      json(response, 200, { summary: body })
    })
    const outcome = await probe.run(async (ctx) => {
      const event = await ctx.tools.get('events', eventId)
      if (!event.success) return event
      const { title } = event.data.record.data
      const answer = await ctx.tools.integration(endpoint, { title })
      if (!answer.success) return answer
      return ctx.tools.update('events', eventId, { summary: JSON.stringify(answer.data) })
    })
    return { outcome, eventId }
  }

  it('once: the call is made anew and that is logged', async () => {
    const { outcome, eventId } = await askWhileChanging(1)
    expect(outcome).toMatchObject({ success: true })
    expect(bodies()).toEqual([{ title: 'title 0' }, { title: 'title 1' }])
    expect(await probe.event(eventId)).toMatchObject({ summary: '{"summary":{"title":"title 1"}}' })
    expect(probe.logged(/changed between runs/).filter((line) => line.step === endpoint)).toHaveLength(1)
  })

  it('twice: the call ends with a conflict that names the step, and writes nothing', async () => {
    const { outcome, eventId } = await askWhileChanging(2)
    expect(outcome).toMatchObject({
      success: false,
      code: 'CONFLICT',
      error: expect.stringContaining(endpoint),
    })
    expect(bodies()).toEqual([{ title: 'title 0' }, { title: 'title 1' }])
    expect(await probe.event(eventId)).toMatchObject({ summary: null, title: 'title 2' })
  })

  it('twice, before the first data access: a conflict as well, while data waits for the step', async () => {
    let now = 0
    const outcome = await probe.run(async (ctx) => {
      now += 1
      await Promise.all([ctx.tools.integration(endpoint, { now }), ctx.tools.count('events')])
      await ctx.tools.once(`again-${now}`, () => 1)
      return ok('never stable')
    })
    expect(outcome).toMatchObject({
      success: false,
      code: 'CONFLICT',
      error: expect.stringContaining(endpoint),
    })
    expect(bodies()).toEqual([{ now: 1 }, { now: 2 }])
    expect(await probe.run((ctx) => ctx.tools.count('events'))).toMatchObject({ success: true })
  })
})

describe('the journal', () => {
  it('knows a body that holds the time and a minted id again', async () => {
    const outcome = await probe.run(async (ctx) => {
      const event = await ctx.tools.create('events', eventData())
      if (!event.success) return event
      const body = { at: ctx.now.toISOString(), eventId: event.data.recordId, invocation: ctx.invocationId }
      await ctx.tools.integration(endpoint, body)
      await ctx.tools.once('another-run', () => 1)
      return ok(ctx.attempt)
    })
    expect(outcome).toEqual(ok(3))
    expect(bodies()).toHaveLength(1)
  })

  it('tells equal steps of one run apart, and makes each once', async () => {
    const outcome = await probe.run(async (ctx) => {
      await ctx.tools.count('events')
      const one = await ctx.tools.integration(endpoint, { same: true })
      const two = await ctx.tools.integration(endpoint, { same: true })
      const [three, four] = await Promise.all([
        ctx.tools.integration(endpoint, { same: true }),
        ctx.tools.integration(endpoint, { same: true }),
      ])
      return ok([one, two, three, four].map((answer) => answer.data))
    })
    expect(bodies()).toHaveLength(4)
    const nths = (outcome.data as { nth: number }[]).map(({ nth }) => nth)
    expect(nths.slice(0, 2)).toEqual([1, 2])
    expect(nths.slice(2).sort()).toEqual([3, 4])
  })

  it('takes bodies that differ only in the order of their keys for equal', async () => {
    await probe.run(async (ctx) => {
      await ctx.tools.count('events')
      await ctx.tools.integration(endpoint, ctx.attempt === 1 ? { a: 1, b: 2 } : { b: 2, a: 1 })
      return ok(1)
    })
    expect(bodies()).toHaveLength(1)
  })

  it('keeps a failed answer: it is not asked again', async () => {
    probe.upstream.on(endpoint, (_received, response) => json(response, 503, { error: 'Busy.' }))
    const outcome = await probe.run(async (ctx) => {
      await ctx.tools.count('events')
      const failed = await ctx.tools.integration(endpoint)
      await ctx.tools.once('another-run', () => 1)
      return failed
    })
    expect(outcome).toMatchObject({ success: false, code: 'SERVICE_UNAVAILABLE' })
    expect(bodies()).toHaveLength(1)
  })

  it.each(['one by one', 'all together'])('refuses the 33rd step, %s', async (how) => {
    const outcome = await probe.run(async (ctx: ActionContext) => {
      await ctx.tools.count('events')
      const call = (n: number) => ctx.tools.integration(endpoint, { n })
      const list = Array.from({ length: 33 }, (_, n) => n)
      const answers = []
      if (how === 'all together') answers.push(...(await Promise.all(list.map(call))))
      else for (const n of list) answers.push(await call(n))
      return answers.at(-1)
    })
    expect(outcome).toMatchObject({ success: false, code: 'PRECONDITION_FAILED' })
    expect(bodies()).toHaveLength(32)
  })

  it('refuses the 33rd once with the same failure', async () => {
    let ran = 0
    const outcome = await probe.run(async (ctx) => {
      let last: unknown
      for (let n = 0; n < 33; n += 1) {
        last = await ctx.tools.once(`step-${n}`, () => {
          ran += 1
          return n
        })
      }
      return last
    })
    expect(outcome).toMatchObject({ success: false, code: 'PRECONDITION_FAILED' })
    expect(ran).toBe(32)
  })
})
