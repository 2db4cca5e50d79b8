import { ok } from 'deputyjs'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ActionContext } from '../fixture/deputy.ts'
import { json } from '../integrations/upstream.ts'
import { createProbe, gate, type Probe } from './probe.ts'

let probe: Probe
let endpoint: string
let serial = 0
beforeAll(async () => {
  probe = await createProbe()
})
afterAll(() => probe[Symbol.asyncDispose]())
beforeEach(() => {
  serial += 1
  endpoint = `bank/suspend-${serial}`
})

const calls = () => probe.upstream.calls(endpoint)
const read = (ctx: ActionContext) => ctx.tools.count('events')

describe('an outside call between a read and a write', () => {
  it('is made once, with no transaction open, and the action is run again', async () => {
    const eventId = await probe.newEvent('before')
    const seen: unknown[] = []
    probe.upstream.on(endpoint, async (_received, response) => {
      // On the embedded database this would wait for ever if the connection were held.
      seen.push(await probe.event(eventId))
      json(response, 200, { success: true, data: { text: 'after' } })
    })
    const runs: number[] = []
    const outcome = await probe.run(async (ctx) => {
      runs.push(ctx.attempt)
      await ctx.tools.update('events', eventId, { title: `run ${ctx.attempt}` })
      const answer = await ctx.tools.integration(endpoint, { ask: 1 })
      const after = await ctx.tools.get('events', eventId)
      return ok([answer, after.success && after.data.record.data.title])
    })
    expect(outcome).toEqual(ok([ok({ text: 'after' }), 'run 2']))
    expect(runs).toEqual([1, 2])
    expect(seen).toMatchObject([{ title: 'before' }])
    expect(calls()).toMatchObject([{ method: 'POST', body: { ask: 1 } }])
  })

  it('costs no second run before the first data access', async () => {
    const outcome = await probe.run(async (ctx) => {
      const first = await ctx.tools.integration(endpoint, { n: 1 })
      const second = await ctx.tools.integration(endpoint, { n: 2 })
      await read(ctx)
      return ok([ctx.attempt, first, second])
    })
    expect(outcome).toEqual(ok([1, ok({ nth: 1 }), ok({ nth: 2 })]))
  })

  it('is made once for every one of several, each costing one run', async () => {
    const outcome = await probe.run(async (ctx) => {
      await read(ctx)
      const answers = []
      for (const n of [1, 2, 3]) answers.push(await ctx.tools.integration(endpoint, { n }))
      return ok([ctx.attempt, answers])
    })
    expect(outcome).toEqual(ok([4, [ok({ nth: 1 }), ok({ nth: 2 }), ok({ nth: 3 })]]))
    expect(calls().map(({ body }) => body)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  })
})

describe('the run that was abandoned', () => {
  it('executes neither catch nor finally nor anything after the call', async () => {
    const trace: string[] = []
    const outcome = await probe.run(async (ctx) => {
      const note = (what: string) => trace.push(`${what} ${ctx.attempt}`)
      try {
        await read(ctx)
        note('before')
        await ctx.tools.integration(endpoint)
        note('after')
      } catch {
        note('catch')
      } finally {
        note('finally')
      }
      return ok('done')
    })
    expect(outcome).toEqual(ok('done'))
    await probe.newEvent()
    expect(trace).toEqual(['before 1', 'before 2', 'after 2', 'finally 2'])
  })

  it('executes nothing of a statement that was under way in tools.sql', async () => {
    const trace: string[] = []
    await probe.run(async (ctx) => {
      await read(ctx)
      await Promise.all([
        ctx.tools.sql(async (database) => {
          try {
            await database.execute('select 1')
            trace.push(`row ${ctx.attempt}`)
          } finally {
            trace.push(`finally ${ctx.attempt}`)
          }
          return 1
        }),
        ctx.tools.integration(endpoint),
      ])
      return ok('done')
    })
    await probe.newEvent()
    expect(trace).toEqual(['row 2', 'finally 2'])
  })

  it('is caught like any failure when the answer is one', async () => {
    probe.upstream.on(endpoint, (_received, response) => json(response, 402, { error: 'Out of credits.' }))
    const outcome = await probe.run(async (ctx) => {
      await read(ctx)
      const answers = [await ctx.tools.integration(endpoint), await ctx.tools.integration('bank/..')]
      await ctx.tools.once('again', () => 1)
      return ok(answers.map((answer) => (answer.success ? 'ok' : answer.code)))
    })
    expect(outcome).toEqual(ok(['PAYMENT_REQUIRED', 'BAD_REQUEST']))
    expect(calls()).toHaveLength(1)
  })
})

describe('steps that are started together', () => {
  const order = {
    'after data': (ctx: ActionContext) => read(ctx),
    'before any data': async () => {},
  }
  it.each(Object.entries(order))('run together, %s', async (_name, first) => {
    const both = gate()
    probe.upstream.on(endpoint, async (_received, response) => {
      // Neither is answered before both have come.
      if (calls().length === 2) both.open()
      await both.opened
      json(response, 200, { done: true })
    })
    const outcome = await probe.run(async (ctx) => {
      await first(ctx)
      return ok(
        await Promise.all([
          ctx.tools.integration(endpoint, { n: 1 }),
          ctx.tools.integration(endpoint, { n: 2 }),
        ]),
      )
    })
    expect(outcome).toEqual(ok([ok({ done: true }), ok({ done: true })]))
    expect(calls()).toHaveLength(2)
  })

  it('run together with a read between them, which waits for both', async () => {
    const both = gate()
    probe.upstream.on(endpoint, async (_received, response) => {
      if (calls().length === 2) both.open()
      await both.opened
      json(response, 200, { done: true })
    })
    const outcome = await probe.run(async (ctx) => {
      const [one, events, two] = await Promise.all([
        ctx.tools.integration(endpoint, { n: 1 }),
        read(ctx),
        ctx.tools.integration(endpoint, { n: 2 }),
      ])
      return ok([ctx.attempt, one.success, events.success, two.success])
    })
    expect(outcome).toEqual(ok([1, true, true, true]))
  })

  it('may be raced: the others are awaited and called once', async () => {
    const held = gate()
    probe.upstream.on(endpoint, async ({ body }, response) => {
      if ((body as { n: number }).n === 2) await held.opened
      json(response, 200, { body })
    })
    const outcome = probe.run(async (ctx) => {
      await read(ctx)
      const steps = [1, 2].map((n) => ctx.tools.integration(endpoint, { n }))
      return Promise.race(steps)
    })
    await vi.waitFor(() => expect(calls()).toHaveLength(2))
    held.open()
    expect(await outcome).toEqual(ok({ body: { n: 1 } }))
    expect(calls()).toHaveLength(2)
  })
})
