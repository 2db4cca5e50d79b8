import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ok, problem } from '../../server/core/finding.ts'
import { readStream } from '../live/read-stream.ts'
import { execute } from '../support/execute.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get } from './send.ts'

let app: TestApp
let url: string
let looks = 0
beforeAll(async () => {
  app = await createTestApp({
    examine: async function* () {
      looks += 1
      yield ok('database', 'PostgreSQL 15')
      yield problem('tokens', 'AUTH_JWKS_URL: https://keys.test/jwks answers 503')
    },
  })
  url = await app.listen()
  await execute(
    app.database,
    app.databaseUrl,
    `insert into users (record_id, created_by, created_at, updated_at, version, role)
     values ('admin', 'admin', now(), now(), 1, 'admin')`,
  )
})
afterAll(() => app[Symbol.asyncDispose]())

const status = async (user: string) => get(`${url}/api/status`, { token: await app.token(user) })

describe('the status of a server', () => {
  it('is for the owner and admins', async () => {
    expect((await get(`${url}/api/status`)).status).toBe(401)
    expect((await status('ada')).json).toMatchObject({ code: 'FORBIDDEN' })
    for (const user of ['owner', 'admin']) expect((await status(user)).status).toBe(200)
  })

  it('says what runs, and how the database is', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
    const owner = await app.as('owner')
    const read = await owner.status.get()
    if (!read.success) throw new Error(read.error)
    const { database, pool } = read.data
    expect(read.data).toMatchObject({ version, node: process.version, hasOwner: true })
    expect(database.kind).toBe(app.database.kind)
    expect(database.version).toMatch(/^1\d\.\d/)
    expect(database.bytes).toBeGreaterThan(1_000_000)
    expect(Math.abs(database.aheadMs)).toBeLessThan(60_000)
    expect(database.migrations.engine).toMatch(/^\d{4}_/)
    expect(pool.max).toBe(app.database.load.max)
  })

  it('counts streams, calls that were tried again, and work that waits', async () => {
    const owner = await app.as('owner')
    const read = async () => {
      const answer = await owner.status.get()
      if (!answer.success) throw new Error(answer.error)
      return answer.data
    }
    const before = await read()
    const stream = await readStream(`${url}/api/records/events`, { token: await app.token('ada') })
    await vi.waitFor(async () => expect((await read()).live).toEqual({ streams: 1, queries: 1 }))
    stream.close()
    const row = (attempts: number) =>
      `('${randomUUID()}', now(), 'r', 'rest', 'ada', 'createEvent', 'OK', ${attempts}, 3, 'h', '[]', 0, '{}')`
    await execute(
      app.database,
      app.databaseUrl,
      `insert into deputy.audit_log (id, at, request_id, transport, actor, action, outcome, attempts, duration_ms, input_hash,
        writes, write_count, payers) values ${row(1)}, ${row(4)}`,
    )
    const { lastDay, work } = await read()
    expect(lastDay).toEqual({
      calls: before.lastDay.calls + 2,
      retried: before.lastDay.retried + 1,
      attempts: before.lastDay.attempts + 5,
    })
    expect(work).toEqual({ counts: {}, oldestSeconds: {}, lateSeconds: {}, reservations: {} })
  })
})

describe('what a server finds of its surroundings', () => {
  const findings = async (user: string) => get(`${url}/api/status/findings`, { token: await app.token(user) })

  it('is for the owner alone', async () => {
    expect((await get(`${url}/api/status/findings`)).status).toBe(401)
    for (const user of ['ada', 'admin'])
      expect((await findings(user)).json).toMatchObject({ code: 'FORBIDDEN' })
    expect(looks).toBe(0)
  })

  it('is looked at once for all who ask', async () => {
    const [first, second] = await Promise.all([findings('owner'), findings('owner')])
    expect(second.json).toEqual(first.json)
    expect(first.json).toEqual({
      success: true,
      data: {
        at: expect.any(String),
        findings: [
          { level: 'ok', subject: 'database', text: 'PostgreSQL 15' },
          {
            level: 'problem',
            subject: 'tokens',
            text: 'AUTH_JWKS_URL: https://keys.test/jwks answers 503',
          },
        ],
      },
    })
    expect(looks).toBe(1)
  })
})
