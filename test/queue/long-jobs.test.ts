import { type ActionResult, actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { DEFAULT_LIFETIME_MS, LEASE_MARGIN_MS } from '../../server/invocation/invocation.ts'
import { claimWork, MAX_OF_CALLER } from '../../server/queue/claim.ts'
import { doAllDue, startDispatcher } from '../../server/queue/dispatcher.ts'
import { saveTicks } from '../../server/queue/tick.ts'
import { action, internalAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

// limits.md: lifetime, schedule-backlog

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
  await expect.poll(() => rows("select state from deputy.queue where lane = 'job:quick'")).toEqual([['done']])
  await expect.poll(() => released.length).toBe(MAX_OF_CALLER)
  expect(await rows('select count(*)::int from deputy.queue where token is not null')).toEqual([
    [MAX_OF_CALLER],
  ])
  const isOver = async () => {
    for (const release of released.splice(0)) release()
    return rows("select count(*)::int from deputy.queue where state = 'queued'")
  }
  await expect.poll(isOver).toEqual([[0]])
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

it('work of a series is done one after the other: the oldest first, whatever its id, and nothing beside what is under way', async () => {
  await app.database.write({ sql: 'delete from deputy.queue', params: [] })
  const insert = `insert into deputy.queue (id, kind, lane, data, run_as, source, action, invocation, max_attempts, series, created_at)
    select id, 'job', 'job:quick', '{"json":{}}', 'nobody', 'schedule', 's', id, 5, 's', now() + n * interval '1 second'
    from (values ('s:now:1', 1), ('s:2026-01-01', 2), ('s:2026-01-02', 3)) as job (id, n)`
  await app.database.write({ sql: insert, params: [] })
  const claim = async () =>
    (await claimWork(app.database, { token: 't', leaseMs: 60_000, limit: 9, actions: ['quick'] })).map(
      ({ id }) => id,
    )
  const end = (id: string) =>
    app.database.write({
      sql: "update deputy.queue set state = 'dead', token = null where id = $1",
      params: [id],
    })
  expect([await claim(), await claim()]).toEqual([['s:now:1'], []])
  await end('s:now:1')
  expect([await claim(), await claim()]).toEqual([['s:2026-01-01'], []])
  // The owner has the first one run again, while the second one is at work.
  await app.database.write({
    sql: "update deputy.queue set state = 'queued', due_at = now() where id = 's:now:1'",
    params: [],
  })
  expect(await claim()).toEqual([])
  await end('s:2026-01-01')
  expect([await claim(), await claim()]).toEqual([['s:now:1'], []])
  await end('s:now:1')
  // What waits of an action that this server does not have holds nothing up.
  await app.database.write({
    sql: "update deputy.queue set state = 'queued', lane = 'job:gone' where id = 's:now:1'",
    params: [],
  })
  expect(await claim()).toEqual(['s:2026-01-02'])
})

it('a schedule whose jobs take longer than it is between its ticks has a thousand that wait, and no more', async () => {
  const { database } = app
  await database.write({ sql: 'delete from deputy.queue', params: [] })
  const at = new Date('2026-01-01T00:00:00Z')
  await database.write({
    sql: "insert into deputy.schedules (name, definition, next_at) values ('capped', 'd', $1)",
    params: [at.toISOString()],
  })
  await database.write({
    sql: `insert into deputy.queue (id, kind, lane, data, run_as, source, action, invocation, max_attempts, series)
      select 'capped:' || n, 'job', 'job:quick', '{"json":{}}', 'owner', 'schedule', 'capped', 'c', 5, 'capped'
      from generate_series(1, 1000) n`,
    params: [],
  })
  const schedule = {
    name: 'capped',
    definition: 'd',
    times: { every: { minutes: 1 } },
    action: 'quick',
    input: '{"json":{}}',
    missed: 'once',
    overlap: 'queue',
    maxAttempts: 5,
  } as const
  const tick = () =>
    saveTicks(
      database,
      schedule,
      { nextAt: at.getTime(), lastJob: null },
      { newest: at, next: at, jobs: [{ id: `capped:${at.toISOString()}`, due: at }] },
    )
  expect(await tick()).toBe('skipped')
  await database.write({ sql: "delete from deputy.queue where id = 'capped:1'", params: [] })
  expect(await tick()).toBe('queued')
})

it('a job is taken over after its key is free, however long its first server waited for a connection', () => {
  const ACQUIRE_TIMEOUT_MS = 5_000
  const lease = app.engine.jobs.leases['job:quick']
  expect(lease).toBeGreaterThan(DEFAULT_LIFETIME_MS + LEASE_MARGIN_MS + ACQUIRE_TIMEOUT_MS)
})
