import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventData } from '../invocation/probe.ts'
import { openObservedApp } from './observed-app.ts'

type Line = Readonly<Record<string, unknown>>

let slow: Awaited<ReturnType<typeof openObservedApp>>
let quick: Awaited<ReturnType<typeof openObservedApp>>
beforeAll(async () => {
  slow = await openObservedApp({ slowCallMs: 0 })
  quick = await openObservedApp({ slowCallMs: 'none' })
})
afterAll(async () => {
  await slow[Symbol.asyncDispose]()
  await quick[Symbol.asyncDispose]()
})

const lastLine = ({ app }: typeof slow, msg: string): Line =>
  app.logged.findLast((line) => line.msg === msg) ?? {}

describe('a call above the threshold', () => {
  it('says what its time went to: what it has waited for, statements by their names, steps, commit', async () => {
    const title = `secret-${randomUUID()}`
    await slow.run(async (ctx) => {
      const created = await ctx.tools.create('events', { ...eventData(), title })
      if (!created.success) return created
      await ctx.tools.integration('weather/forecast', { latitude: 1, longitude: 2 })
      await ctx.tools.get('events', created.data.recordId)
      return ctx.tools.query('events', { where: { title } })
    })
    const line = lastLine(slow, 'Call')
    expect(line).toMatchObject({
      action: 'act',
      code: 'OK',
      timeline: {
        spent: {
          room: { count: 1 },
          claim: { count: 1 },
          attempt: { count: 2 },
          connection: { count: 2 },
          step: { count: 1 },
          commit: { count: 1 },
        },
      },
    })
    const { phases } = line.timeline as { phases: readonly { what: string; name?: string }[] }
    const names = phases.map(({ what, name }) => (name === undefined ? what : `${what} ${name}`))
    expect(names).toEqual(
      expect.arrayContaining(['statement insert events', 'statement select events', 'step weather/forecast']),
    )
    expect(JSON.stringify(line)).not.toContain(title)
  })

  it('that leaves no line otherwise leaves one then', async () => {
    const caller = slow.app.createCaller({ token: await slow.app.token('ada') })
    await caller.records.events.list({})
    const line = lastLine(slow, 'Slow call')
    expect(line).toMatchObject({ action: 'records.events.list', code: 'OK', actor: 'ada' })
    expect(JSON.stringify(line.timeline)).toContain('select events')
  })

  it('is bounded, whatever the call has done', async () => {
    await slow.run(async (ctx) => {
      for (let nth = 0; nth < 200; nth += 1) await ctx.tools.count('events')
      return ok(1)
    })
    const { spent, phases } = lastLine(slow, 'Call').timeline as {
      spent: Record<string, { count: number }>
      phases: readonly unknown[]
    }
    expect(spent.statement?.count).toBeGreaterThanOrEqual(200)
    expect(phases.length).toBe(30)
  })

  it('says nothing of the key of a once', async () => {
    const key = `mail:${randomUUID()}`
    await slow.run(async (ctx) => ctx.tools.once(key, () => 1))
    const line = JSON.stringify(lastLine(slow, 'Call'))
    expect(line).toContain('"name":"once"')
    expect(line).not.toContain(key)
  })
})

it('a call below the threshold says nothing of its time', async () => {
  await quick.run(async (ctx) => ctx.tools.create('events', eventData()))
  const caller = quick.app.createCaller({ token: await quick.app.token('ada') })
  await caller.records.events.list({})
  expect(lastLine(quick, 'Call')).toMatchObject({ code: 'OK' })
  expect(lastLine(quick, 'Call')).not.toHaveProperty('timeline')
  expect(lastLine(quick, 'Slow call')).toEqual({})
})
