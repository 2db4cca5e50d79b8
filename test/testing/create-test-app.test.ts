import { actionRegistry, defineApp, defineSchedules, ok } from 'deputyjs'
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { createTestApp } from '../../server/testing/create-test-app.ts'
import { fixture } from '../fixture/app.ts'
import { type ActionContext, action, internalAction } from '../fixture/deputy.ts'

const HOUR = 3_600_000
const seen: unknown[] = []
const named = z.strictObject({ name: z.string() })

const note = internalAction.input(named).mutation(async ({ ctx, input: { name } }) => {
  seen.push([name, ctx.userId, ctx.source])
  return ok({ at: ctx.now })
})
const plan = action
  .input(named)
  .mutation(({ ctx, input }) => ctx.tools.later(note, input, { delayMs: HOUR, as: 'owner' }))
const attempts = action
  .input(named)
  .mutation(async ({ ctx, input: { name } }: { ctx: ActionContext; input: { name: string } }) => {
    const startsAt = ctx.now
    const saved = await ctx.tools.create('events', { title: name, startsAt, capacity: 1 })
    return saved.success ? ok({ attempt: ctx.attempt }) : saved
  })
const refused = action.input(named).mutation(async () => ok({}))

const schedules = defineSchedules({ daily: { every: { days: 1 }, action: note, input: { name: 'daily' } } })

const database = inject('database')
const open = (isOnItsOwn = false) =>
  createTestApp(
    defineApp({
      ...(isOnItsOwn ? { schedules } : {}),
      collections: fixture.collections,
      migrations: fixture.migrations,
      integrations: fixture.integrations,
      env: fixture.env,
      actions: actionRegistry({ note, plan, attempts }),
    }),
    { databaseUrl: database.kind === 'postgres' ? database.url : undefined },
  )
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
})
beforeEach(() => {
  seen.length = 0
})
afterAll(() => app[Symbol.asyncDispose]())

it('run calls an action that no client can, as no one or as a user', async () => {
  expect(await app.run(note, { name: 'one' })).toMatchObject({ success: true })
  expect(await app.run(note, { name: 'two' }, { as: 'ada' })).toMatchObject({ success: true })
  expect(await app.run(note, { name: 1 } as never)).toMatchObject({ code: 'BAD_REQUEST' })
  expect(seen).toEqual([
    ['one', null, 'command'],
    ['two', 'ada', 'command'],
  ])
  await expect(app.run(refused, { name: 'x' })).rejects.toThrow(/takes an action of the app/)
})

it('a job is due when the clock has been advanced, and runDue says what was run', async () => {
  const planned = await (await app.as('ada')).actions.plan({ name: 'later' })
  const id = planned.success ? planned.data.jobId : ''
  expect(await app.runDue()).toEqual([])
  app.clock.advance(HOUR - 60_000)
  expect(await app.runDue()).toEqual([])
  expect(await app.jobs()).toMatchObject([{ id, state: 'waiting', action: 'note' }])
  app.clock.advance(61_000)
  expect(await app.runDue()).toEqual([{ kind: 'job', id, name: 'note', outcome: 'done' }])
  expect(seen).toEqual([['later', 'owner', 'later']])
  expect(await app.jobs()).toMatchObject([{ id, state: 'done' }])
  expect(() => app.clock.advance(-1)).toThrow(RangeError)
})

it('ctx.now moves with the clock', async () => {
  const now = async () => {
    const result = await app.run(note, { name: 'now' })
    return result.success ? result.data.at.getTime() : Number.NaN
  }
  const before = await now()
  app.clock.advance(24 * HOUR)
  const passed = (await now()) - before
  expect(passed).toBeGreaterThanOrEqual(24 * HOUR)
  expect(passed).toBeLessThan(24 * HOUR + 60_000)
})

it('conflictOnce makes one COMMIT a conflict', async () => {
  const ada = await app.as('ada')
  app.conflictOnce()
  expect(await ada.actions.attempts({ name: 'one' })).toEqual({ success: true, data: { attempt: 2 } })
  expect(await ada.actions.attempts({ name: 'two' })).toEqual({ success: true, data: { attempt: 1 } })
  expect(await app.sql('select count(*)::int from events')).toEqual([[2]])
})

it('a schedule ticks when the clock has been advanced, and once for all ticks of an outage', async () => {
  await using days = await open(true)
  expect(await days.runDue()).toEqual([])
  const ran = {
    kind: 'job',
    id: expect.stringMatching(/^daily:.*T00:00:00\.000Z$/),
    name: 'note',
    outcome: 'done',
  }
  // Noon: at midnight the clock would make a tick of its own.
  days.clock.advance(36 * HOUR - (Date.now() % (24 * HOUR)))
  await days.runDue()
  seen.length = 0
  for (const advancedBy of [24 * HOUR, 72 * HOUR]) {
    days.clock.advance(advancedBy)
    expect(await days.runDue()).toEqual([ran])
    expect(await days.runDue()).toEqual([])
  }
  expect(seen).toEqual([
    ['daily', 'owner', 'schedule'],
    ['daily', 'owner', 'schedule'],
  ])
})

it('an app’s own onError is not told of what goes wrong in a test; the test’s is', async () => {
  const told: string[] = []
  const broken = action.input(named).mutation(async () => {
    throw new Error('broken')
  })
  const parts = defineApp({
    collections: fixture.collections,
    migrations: fixture.migrations,
    actions: actionRegistry({ broken }),
    onError: (error) => void told.push(`the app's: ${error.message}`),
  })
  const databaseUrl = database.kind === 'postgres' ? database.url : undefined
  await using mine = await createTestApp(parts, {
    databaseUrl,
    onError: (error, { action: name }) => void told.push(`${name}: ${error.message}`),
  })
  const ada = await mine.as('ada')
  await expect(ada.actions.broken({ name: 'x' })).rejects.toThrow()
  expect(told).toEqual(['broken: broken'])
})
