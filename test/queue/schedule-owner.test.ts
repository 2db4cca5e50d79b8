import { randomUUID } from 'node:crypto'
import { actionRegistry, defineSchedules, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { NamedActions } from '../../server/builders/named-actions.ts'
import { resolveSchedules } from '../../server/builders/schedules.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { syncSchedules } from '../../server/queue/schedule-rows.ts'
import { tickDue } from '../../server/queue/schedule-ticker.ts'
import { action } from '../fixture/deputy.ts'
import { get, post } from '../http/send.ts'
import { createTestApp } from '../support/test-app.ts'
import { offsetTo } from './schedule-server.ts'

const actions = actionRegistry({
  note: action
    .input(z.strictObject({ text: z.string() }))
    .meta({ budget: { credits: 7_000 } })
    .mutation(async ({ ctx, input }) => {
      if (input.text === 'refused') return fail('CONFLICT', 'It does not fit.')
      return ctx.tools.create('events', { title: input.text, startsAt: ctx.now, capacity: 1 })
    }),
})
const declared = defineSchedules({
  nightly: { cron: '0 3 * * *', timeZone: 'Europe/Paris', action: actions.note, input: { text: 'nightly' } },
  often: { every: { minutes: 5 }, action: actions.note, input: { text: 'often' }, overlap: 'queue' },
  refused: {
    every: { days: 1 },
    action: actions.note,
    input: { text: 'refused' },
    missed: 'skip',
    attempts: 1,
  },
})

let app: Awaited<ReturnType<typeof open>>
let url: string
let offsetMs = 0
const open = async () =>
  createTestApp({
    actions,
    schedules: await resolveSchedules(declared, new NamedActions(actions)),
    clockOffsetMs: () => offsetMs,
  })
beforeAll(async () => {
  app = await open()
  url = await app.listen()
  await (await app.as('adele')).users.register()
  await (await app.as('owner')).users.setRole({ userId: 'adele', role: 'admin' })
})
afterAll(() => app[Symbol.asyncDispose]())
beforeEach(async () => {
  await change('delete from deputy.schedules')
  await change('delete from deputy.queue')
  await setNow('2026-06-01T12:00:30Z')
  await syncSchedules(app.engine)
})

const change = async (sql: string) => void (await app.database.write({ sql, params: [] }))
const rows = async (sql: string) => (await app.database.query({ sql, params: [] })).rows
async function setNow(instant: string): Promise<void> {
  offsetMs = await offsetTo(app.database, instant)
}
const owner = () => app.as('owner')
async function listed(name: string) {
  const list = await (await owner()).schedules.list()
  return list.success ? list.data.schedules.find((each) => each.name === name) : undefined
}

describe('schedules.list', () => {
  it('tells what each does, and when', async () => {
    const never = {
      last: null,
      lastOutcome: null,
      lastError: null,
      lastJob: null,
      isPaused: false,
      action: 'note',
      maxCostPerDay: 7_000,
    }
    expect(await (await owner()).schedules.list()).toEqual(
      ok({
        schedules: [
          {
            ...never,
            name: 'nightly',
            cron: '0 3 * * *',
            timeZone: 'Europe/Paris',
            every: null,
            missed: 'once',
            overlap: 'skip',
            next: new Date('2026-06-02T01:00:00Z'),
          },
          {
            ...never,
            name: 'often',
            cron: null,
            timeZone: null,
            every: { minutes: 5 },
            missed: 'once',
            overlap: 'queue',
            next: new Date('2026-06-01T12:05:00Z'),
          },
          {
            ...never,
            name: 'refused',
            cron: null,
            timeZone: null,
            every: { days: 1 },
            missed: 'skip',
            overlap: 'skip',
            next: new Date('2026-06-02T00:00:00Z'),
          },
        ],
      }),
    )
  })

  it('tells how the newest job ended, which ran as the owner', async () => {
    await setNow('2026-06-02T01:00:01Z')
    await tickDue(app.engine)
    expect(await listed('nightly')).toMatchObject({
      last: new Date('2026-06-02T01:00:00Z'),
      lastOutcome: 'queued',
      lastJob: 'nightly:2026-06-02T01:00:00.000Z',
    })
    await doAllDue(app.engine)
    expect(await listed('nightly')).toMatchObject({ lastOutcome: 'done', lastError: null })
    const audit =
      "select actor, source, outcome from deputy.audit_log where action = 'note' and input_hash is not null"
    expect(await rows(`${audit} order by at desc, id desc limit 1`)).toEqual([['owner', 'schedule', 'OK']])
    expect(await rows("select created_by from events where title = 'nightly'")).toEqual([['owner']])
  })

  it('tells why the newest job failed', async () => {
    const run = await (await owner()).schedules.runNow({ name: 'refused' })
    await doAllDue(app.engine)
    expect(await listed('refused')).toMatchObject({
      lastOutcome: 'failed',
      lastError: expect.stringContaining('It does not fit.'),
      lastJob: run.success ? run.data.jobId : '',
      last: null,
    })
  })

  it('leaves out what is declared no more', async () => {
    await syncSchedules({ ...app.engine, schedules: app.engine.schedules.slice(1) })
    expect(await listed('nightly')).toBeUndefined()
    for (const verb of ['pause', 'resume'] as const)
      expect(await (await owner()).schedules[verb]({ name: 'nightly' })).toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('schedules.pause and schedules.resume', () => {
  it('say who did it, and may be repeated', async () => {
    const caller = await owner()
    expect(await caller.schedules.pause({ name: 'often' })).toEqual(ok({ name: 'often' }))
    expect(await caller.schedules.pause({ name: 'often' })).toEqual(ok({ name: 'often' }))
    expect(await listed('often')).toMatchObject({ isPaused: true, next: null })
    expect(await rows("select changed_by from deputy.schedules where name = 'often'")).toEqual([['owner']])
    await setNow('2026-06-01T12:21:00Z')
    const next = new Date('2026-06-01T12:25:00Z')
    expect(await caller.schedules.resume({ name: 'often' })).toEqual(ok({ name: 'often', next }))
    expect(await caller.schedules.resume({ name: 'often' })).toEqual(ok({ name: 'often', next }))
    expect(await listed('often')).toMatchObject({ isPaused: false, next, lastOutcome: null })
  })
})

describe('schedules.runNow', () => {
  it('queues a job beside the ticks, of a paused schedule too', async () => {
    const caller = await owner()
    await caller.schedules.pause({ name: 'nightly' })
    const run = await caller.schedules.runNow({ name: 'nightly' })
    expect(run).toEqual(ok({ name: 'nightly', jobId: expect.stringMatching(/^nightly:now:[0-9a-f-]{36}$/) }))
    const job = await rows(
      'select id, kind, lane, run_as, source, action, series, max_attempts, state from deputy.queue',
    )
    expect(job).toEqual([
      [
        run.success && run.data.jobId,
        'job',
        'job:note',
        'owner',
        'schedule',
        'nightly',
        'nightly',
        5,
        'queued',
      ],
    ])
    await doAllDue(app.engine)
    expect(await listed('nightly')).toMatchObject({ lastOutcome: 'done', last: null, isPaused: true })
  })

  it('is CONFLICT while a job is not done, unless the schedule queues', async () => {
    const caller = await owner()
    const runs = await Promise.all(
      Array.from({ length: 5 }, () => caller.schedules.runNow({ name: 'nightly' })),
    )
    expect(runs.filter(({ success }) => success)).toHaveLength(1)
    expect(runs.find(({ success }) => !success)).toMatchObject({ code: 'CONFLICT' })
    expect(await caller.schedules.runNow({ name: 'nightly' })).toMatchObject({
      code: 'CONFLICT',
      error: 'A job of the schedule "nightly" is not done yet; it would overlap.',
    })
    expect(await rows("select count(*)::int from deputy.queue where series = 'nightly'")).toEqual([[1]])
    for (let nth = 0; nth < 2; nth += 1)
      expect(await caller.schedules.runNow({ name: 'often' })).toMatchObject({ success: true })
  })

  it('repeated under its key queues one job', async () => {
    const sending = {
      token: await app.token('owner'),
      headers: { 'idempotency-key': randomUUID() },
      body: '{"name":"often"}',
    }
    const first = await post(`${url}/api/schedules/run-now`, sending)
    const second = await post(`${url}/api/schedules/run-now`, sending)
    expect([first.status, second.json]).toEqual([200, first.json])
    expect(await rows('select count(*)::int from deputy.queue')).toEqual([[1]])
  })
})

const VERBS = ['list', 'pause', 'resume', 'runNow'] as const
const WHO = [
  ['anonymous', undefined, 401, 'UNAUTHORIZED'],
  ['a forged token', 'a.b.c', 401, 'UNAUTHORIZED'],
  ['member', 'mia', 403, 'FORBIDDEN'],
  ['admin', 'adele', 403, 'FORBIDDEN'],
  ['owner', 'owner', 200, 'OK'],
] as const

describe.each(WHO)('%s', (who, userId, status, code) => {
  const tokenOf = async () => (userId === 'a.b.c' || userId === undefined ? userId : app.token(userId))

  it.each(VERBS)(`gets ${status} from schedules.%s, over REST and tRPC, which is audited`, async (verb) => {
    const token = await tokenOf()
    const address = `${url}/api/schedules${verb === 'list' ? '' : `/${verb === 'runNow' ? 'run-now' : verb}`}`
    const sending = token === undefined ? {} : { token }
    const rest =
      verb === 'list'
        ? await get(address, sending)
        : await post(address, { ...sending, body: '{"name":"often"}' })
    expect(rest.status).toBe(status)
    const caller = app.createCaller(sending)
    const call = verb === 'list' ? caller.schedules.list() : caller.schedules[verb]({ name: 'often' })
    const outcome = await call.then(
      (result) => (result.success ? 'OK' : result.code),
      (error: { readonly code: string }) => error.code,
    )
    expect(outcome).toBe(code)
    const made = await rows('select count(*)::int from deputy.queue')
    expect(made).toEqual([[who === 'owner' && verb === 'runNow' ? 2 : 0]])
    if (status === 401) return
    const audit = `select actor, outcome from deputy.audit_log where action = 'schedules.${verb}' order by at desc, id desc limit 2`
    expect(await rows(audit)).toEqual([
      [userId, code],
      [userId, code],
    ])
  })
})

describe('the schedules', () => {
  it('are closed to everybody where there is no owner', async () => {
    await using orphan = await createTestApp({ ownerUserId: undefined })
    const caller = await orphan.as('owner')
    await expect(caller.schedules.list()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(caller.schedules.runNow({ name: 'often' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  it.each(['pause', 'resume', 'run-now'])('that there are not are NOT_FOUND: %s', async (address) => {
    const token = await app.token('owner')
    const answer = await post(`${url}/api/schedules/${address}`, { token, body: '{"name":"x"}' })
    expect(answer).toMatchObject({ status: 404, json: { error: expect.stringContaining('"x"') } })
    expect((await post(`${url}/api/schedules/${address}`, { token, body: '{}' })).status).toBe(400)
    expect((await get(`${url}/api/schedules/${address}`, { token })).status).toBe(405)
  })
})
