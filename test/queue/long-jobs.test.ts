import { type ActionResult, actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { doAllDue, startDispatcher } from '../../server/queue/dispatcher.ts'
import { action, internalAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

const none = z.strictObject({})
const MINUTE_MS = 60_000
const released: (() => void)[] = []
const hanging = internalAction.input(z.strictObject({ n: z.int() })).mutation(async ({ ctx, input }) => {
  await new Promise<void>((resolve) => released.push(resolve))
  return ok({ n: input.n, attempt: ctx.attempt })
})
const quick = internalAction.input(none).mutation(async () => ok({}))
const long = internalAction
  .input(z.strictObject({ cursor: z.int() }))
  .meta({ lifetimeMs: 10 * MINUTE_MS })
  .mutation(async ({ ctx, input }): Promise<ActionResult<unknown>> => {
    const done = input.cursor + 100
    await ctx.tools.progress({ done, total: 300 })
    return done < 300 ? ctx.tools.later(long, { cursor: done }) : ok({})
  })
const plan = action.input(z.strictObject({ hanging: z.int() })).mutation(async ({ ctx, input }) => {
  for (let n = 0; n < input.hanging; n += 1) await ctx.tools.later(hanging, { n })
  await ctx.tools.later(quick, {})
  return ok({})
})
const begin = action.input(none).mutation(({ ctx }) => ctx.tools.later(long, { cursor: 0 }))
const actions = actionRegistry({ hanging, quick, long, plan, begin })

const open = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
})
afterAll(() => app[Symbol.asyncDispose]())

const rows = async (sql: string) => (await app.database.query({ sql, params: [] })).rows

it('an action whose jobs hang holds its own room alone', async () => {
  await (await app.as('ada')).actions.plan({ hanging: 20 })
  const dispatcher = startDispatcher({ ...app.engine, intervalMs: 20 })
  await expect
    .poll(() => rows("select state from deputy.queue where lane = 'job:quick'"), { timeout: 10_000 })
    .toEqual([['done']])
  await expect.poll(() => released.length).toBe(8)
  expect(await rows('select count(*)::int from deputy.queue where token is not null')).toEqual([[8]])
  const isOver = async () => {
    for (const release of released.splice(0)) release()
    return rows("select count(*)::int from deputy.queue where state = 'queued'")
  }
  await expect.poll(isOver, { timeout: 20_000 }).toEqual([[0]])
  await dispatcher.stop(5_000)
})

it('a long job is its server’s for as long as it may last, and goes on in a job after it', async () => {
  await app.database.write({ sql: 'delete from deputy.queue', params: [] })
  await (await app.as('ada')).actions.begin({})
  const leases: unknown[] = []
  const done = await doAllDue({
    ...app.engine,
    jobs: {
      ...app.engine.jobs,
      run: async (job) => {
        leases.push(
          (
            await rows(
              'select extract(epoch from due_at - now())::int / 60 from deputy.queue where token is not null',
            )
          )[0]?.[0],
        )
        return app.engine.jobs.run(job)
      },
    },
  })
  expect(done.map(({ outcome }) => outcome?.kind)).toEqual(['done', 'done', 'done'])
  // Ten minutes, and half a minute more.
  expect(leases).toEqual([10, 10, 10])
  await expect
    .poll(() => rows('select progress from deputy.queue order by created_at'))
    .toEqual([100, 200, 300].map((n) => [JSON.stringify({ done: n, total: 300 })]))
})

it('only what no client waits for may last for minutes, and not for longer than a quarter of an hour', () => {
  expect(() => action.input(none).meta({ lifetimeMs: MINUTE_MS })).toThrow(
    /lifetimeMs is for an internalAction/,
  )
  for (const lifetimeMs of [0, -1, 1.5, 15 * MINUTE_MS + 1, Number.NaN])
    expect(() => internalAction.input(none).meta({ lifetimeMs })).toThrow(/at most 900000/)
  expect(internalAction.input(none).meta({ lifetimeMs: 15 * MINUTE_MS })).toBeDefined()
})
