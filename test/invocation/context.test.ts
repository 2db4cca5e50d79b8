import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ActionContext } from '../fixture/deputy.ts'
import { createProbe, eventData, type Probe } from './probe.ts'

let probe: Probe
beforeAll(async () => {
  probe = await createProbe()
})
afterAll(() => probe[Symbol.asyncDispose]())

it('says in every run the same time, invocation and minted ids, and counts the runs', async () => {
  const runs: unknown[][] = []
  const outcome = await probe.run(async (ctx) => {
    const first = await ctx.tools.create('events', eventData('first'))
    const second = await ctx.tools.create('events', eventData('second'))
    if (!first.success || !second.success) return first
    runs.push([ctx.now.getTime(), ctx.invocationId, ctx.requestId, first.data.recordId, second.data.recordId])
    await ctx.tools.once('a', () => 1)
    await ctx.tools.once('b', () => 1)
    return ok(ctx.attempt)
  })
  expect(outcome).toEqual(ok(3))
  expect(runs).toHaveLength(3)
  expect(runs[1]).toEqual(runs[0])
  expect(runs[2]).toEqual(runs[0])
  expect(new Set(runs[0]).size).toBe(5)
})

it('is another time, invocation and request in another call', async () => {
  const identity = (ctx: ActionContext) => Promise.resolve(ok([ctx.invocationId, ctx.requestId]))
  const [one, two] = [await probe.run(identity), await probe.run(identity)]
  expect(new Set([one.data, two.data].flat()).size).toBe(4)
})

it('tells the role: admin for the owner, that of the row, member without one', async () => {
  const role = async (ctx: ActionContext) => ok([await ctx.role(), ctx.isOwner])
  expect(await probe.run(role, 'owner')).toEqual(ok(['admin', true]))
  expect(await probe.run(role, 'stranger')).toEqual(ok(['member', false]))
  await probe.run((ctx) => ctx.tools.registerUser({ userId: 'amy', isAdmin: true }), 'owner')
  expect(await probe.run(role, 'amy')).toEqual(ok(['admin', false]))
})

it('counts its first run as 1 and has a signal that is not aborted', async () => {
  expect(await probe.run(async (ctx) => ok([ctx.attempt, ctx.signal.aborted]))).toEqual(ok([1, false]))
})
