import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLiveReport } from '../../server/metrics/live-report.ts'
import { createQueueFigures } from '../../server/metrics/queue-figures.ts'
import { gate } from '../invocation/probe.ts'
import { openObservedApp } from './observed-app.ts'

let open: Awaited<ReturnType<typeof openObservedApp>>
beforeAll(async () => {
  open = await openObservedApp()
})
afterAll(() => open[Symbol.asyncDispose]())

const live = () => createLiveReport(open.app.engine, createQueueFigures(open.app.engine))()

describe('what a server is doing', () => {
  it('names each call with its age and what it is at, and no user', async () => {
    const [arrived, held] = [gate(), gate()]
    const userId = `user-${randomUUID()}`
    const running = open.run(
      async (ctx) => {
        await ctx.tools.once('wait', async () => {
          arrived.open()
          await held.opened
          return 1
        })
        return ok(1)
      },
      { userId },
    )
    await arrived.opened
    const report = await live()
    expect(report).toMatchObject({
      callCount: 1,
      calls: [
        {
          action: 'act',
          source: 'client',
          transport: 'caller',
          attempts: 1,
          at: [{ what: 'step', name: 'once' }],
        },
      ],
      clients: { suspended: 1 },
    })
    expect(report.calls[0]?.ageMs).toBeGreaterThanOrEqual(0)
    expect(JSON.stringify(report)).not.toContain(userId)
    held.open()
    await running
    expect(await live()).toMatchObject({ callCount: 0, calls: [] })
  })

  it('is bounded, however many calls there are', async () => {
    const held = gate()
    let begun = 0
    const running = Array.from({ length: 60 }, (_, nth) =>
      open.run(
        async (ctx) => {
          await ctx.tools.once('wait', async () => {
            begun += 1
            await held.opened
            return 1
          })
          return ok(1)
        },
        { userId: `many-${nth}` },
      ),
    )
    await expect.poll(() => begun).toBe(60)
    const report = await live()
    expect(report.callCount).toBe(60)
    expect(report.calls.length).toBe(50)
    held.open()
    await Promise.all(running)
  })

  it('tells of the rest while the database is away', async () => {
    const report = await createLiveReport(open.app.engine, async () => undefined)()
    expect(report).toMatchObject({ queue: null, pool: { waiting: 0 } })
  })
})
