import { defineSchedules } from 'deputyjs'
import { pino } from 'pino'
import { afterAll, expect, test, vi } from 'vitest'
import { readEnv } from '../../server/env/environment.ts'
import type { AppParts } from '../../server/lifecycle/define-app.ts'
import { startServer } from '../../server/lifecycle/start.ts'
import { recomputeAnalytics } from '../fixture/actions/recompute-analytics.ts'
import { fixture } from '../fixture/app.ts'
import { dataDirectory } from '../support/data-directory.ts'

vi.setConfig({ testTimeout: 120_000 })
const directory = await dataDirectory()
afterAll(() => directory[Symbol.asyncDispose]())

const action = recomputeAnalytics
const schedules = defineSchedules({ analytics: { every: { seconds: 1 }, action, input: {} } })
const log = pino({ level: 'silent' })
const env = readEnv({ DATA_DIR: directory.path, PORT: '0' })
const start = (app: AppParts) => startServer({ env, app, appEnv: {}, log })

test('a server lets its schedules tick and does their jobs until it stops, and one without them lets them end', async () => {
  const server = await start({ ...fixture, schedules })
  const rows = async (sql: string) => (await server.database.query({ sql, params: [] })).rows
  try {
    const done = () =>
      rows("select count(*)::int from deputy.queue where series = 'analytics' and state = 'done'")
    await expect.poll(async () => Number((await done())[0]?.[0])).toBeGreaterThan(1)
    const audit =
      "select distinct actor, source, outcome from deputy.audit_log where action = 'recomputeAnalytics'"
    expect(await rows(audit)).toEqual([['owner', 'schedule', 'OK']])
  } finally {
    await server.stop(5_000)
  }
  const next = await start(fixture)
  const sql = 'select definition, next_at, last_outcome from deputy.schedules'
  const left = await next.database.query({ sql, params: [] })
  await next.stop(5_000)
  expect(left.rows).toEqual([['', null, expect.any(String)]])
})

test('a server without an owner does not start with schedules, and says what to set', async () => {
  const withoutOwner = startServer({
    env: { ...env, ownerUserId: undefined },
    app: { ...fixture, schedules },
    appEnv: {},
    log,
  })
  await expect(withoutOwner).rejects.toMatchObject({
    name: 'EnvError',
    problems: [expect.stringMatching(/^OWNER_USER_ID: is required by the schedule "analytics": set it to/)],
  })
})

test('a server does not start with a schedule that does not fit its action', async () => {
  const wrong = { analytics: { every: { seconds: 1 }, action, input: { more: 1 } } }
  const unfit = defineSchedules(wrong as unknown as Parameters<typeof defineSchedules>[0])
  await expect(start({ ...fixture, schedules: unfit })).rejects.toMatchObject({
    name: 'DefinitionError',
    message: expect.stringContaining('Schedule "analytics" has an input that does not fit'),
  })
})
