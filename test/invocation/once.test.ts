import { type JsonValue, ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ActionContext } from '../fixture/deputy.ts'
import { createProbe, type Probe } from './probe.ts'

let probe: Probe
beforeAll(async () => {
  probe = await createProbe()
})
afterAll(() => probe[Symbol.asyncDispose]())

const placements = {
  'before any data': async () => {},
  'after data': (ctx: ActionContext) => ctx.tools.count('events'),
}

it.each(Object.entries(placements))('runs its function once, %s', async (_name, first) => {
  let ran = 0
  const outcome = await probe.run(async (ctx) => {
    await first(ctx)
    const answer = await ctx.tools.once('random', () => {
      ran += 1
      return { ran, at: Math.random() }
    })
    await ctx.tools.count('events')
    await ctx.tools.once('another-run', () => 1)
    return answer
  })
  expect(outcome).toMatchObject(ok({ ran: 1 }))
  expect(ran).toBe(1)
})

it.each(Object.entries(placements))(
  'throws what its function threw, in every run, %s',
  async (_name, first) => {
    let ran = 0
    const caught: unknown[] = []
    await probe.run(async (ctx) => {
      await first(ctx)
      await ctx.tools
        .once('broken', () => {
          ran += 1
          throw new RangeError('broken')
        })
        .catch((error: unknown) => caught.push(error))
      await ctx.tools.count('events')
      await ctx.tools.once('another-run', () => 1)
      return ok(1)
    })
    expect(ran).toBe(1)
    expect(caught.length).toBeGreaterThan(1)
    for (const error of caught) expect(error).toEqual(new RangeError('broken'))
  },
)

it('makes a call a 500 when the throw is not caught', async () => {
  const broken = (ctx: ActionContext) => ctx.tools.once('broken', () => Promise.reject(new Error('why')))
  await expect(probe.run(broken)).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
  expect(probe.logged(/unexpected error/).at(-1)).toMatchObject({ err: { message: 'why' } })
})

it.each([
  ['Date', new Date(0)],
  ['bigint', 1n],
  ['NaN', Number.NaN],
  ['Map', new Map()],
  ['function', () => 1],
  ['member that is no JSON', { deep: [{ at: new Date(0) }] }],
])('refuses an answer that is no JSON: a %s', async (_name, value) => {
  let message = ''
  await probe.run(async (ctx) => {
    await ctx.tools
      .once('odd', () => value as unknown as JsonValue)
      .catch((error: Error) => {
        message = error.message
      })
    return ok(1)
  })
  expect(message).toContain('must be JSON')
})

it('gives undefined back as undefined', async () => {
  const outcome = await probe.run(async (ctx) => {
    await ctx.tools.count('events')
    const answer = await ctx.tools.once('nothing', () => undefined)
    return ok(answer.success && answer.data === undefined)
  })
  expect(outcome).toEqual(ok(true))
})

it('decodes its answer anew for each run, so that a change to it does not stay', async () => {
  const seen: unknown[] = []
  await probe.run(async (ctx) => {
    const answer = await ctx.tools.once('list', () => ({ items: ['a'] }))
    if (!answer.success) return answer
    seen.push(structuredClone(answer.data))
    answer.data.items.push('changed')
    await ctx.tools.count('events')
    await ctx.tools.once('another-run', () => 1)
    return ok(1)
  })
  expect(seen).toEqual([{ items: ['a'] }, { items: ['a'] }])
})

it.each([
  ['get', (ctx: ActionContext) => ctx.tools.get('events', 'x')],
  ['integration', (ctx: ActionContext) => ctx.tools.integration('bank/inside-once')],
  ['once', (ctx: ActionContext) => ctx.tools.once('inner', () => 1)],
])('lets its function use no tools, and says so: %s', async (_name, use) => {
  let message = ''
  await probe.run(async (ctx) => {
    const outer = ctx.tools.once('outer', async () => {
      await use(ctx)
      return 1
    })
    await outer.catch((error: Error) => {
      message = error.message
    })
    return ok(1)
  })
  expect(message).toMatch(/^tools\.once: its function may not use tools/)
  expect(probe.upstream.calls('bank/inside-once')).toEqual([])
})

it.each(['', 'a b', 'ü', 'x'.repeat(256)])('refuses the key %j', async (key) => {
  const outcome = await probe.run((ctx) => ctx.tools.once(key, () => 1))
  expect(outcome).toMatchObject({ success: false, code: 'BAD_REQUEST' })
})
