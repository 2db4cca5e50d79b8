import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { createApp } from '../../server/lifecycle/create-app.ts'
import { NO_RATE_LIMITS } from '../../server/limits/rate-limits.ts'
import { fixture } from '../fixture/app.ts'
import { holdingContract } from '../support/contract-check.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { startTcpProxy } from './tcp-proxy.ts'

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
})
afterAll(() => app[Symbol.asyncDispose]())

const { actions, collections } = fixture

/** Another server of the same database. */
function serverOn(database: Database, ownerUserId?: string) {
  const { http, integrations, verifier, log } = app.engine
  return createApp({
    actions,
    collections,
    database,
    http,
    integrations,
    verifier,
    log,
    ownerUserId,
    rateLimits: NO_RATE_LIMITS,
    aroundAnswer: holdingContract,
  })
}

it('who is blocked on one server is refused by every other from the answer on', async () => {
  const database = openPostgres({ url: app.databaseUrl ?? '' })
  const other = serverOn(database)
  const owner = await app.as('owner')
  for (const _round of [1, 2, 3]) {
    const userId = randomUUID()
    const caller = other.createCaller({ token: await app.token(userId) })
    const calls: { readonly began: number; readonly passed: boolean }[] = []
    let goesOn = true
    const calling = async () => {
      while (goesOn) {
        const began = performance.now()
        const passed = await caller.integrations.list().then(
          () => true,
          () => false,
        )
        calls.push({ began, passed })
        await new Promise(setImmediate)
      }
    }
    const busy = Promise.all([calling(), calling()])
    await vi.waitFor(() => expect(calls.some(({ passed }) => passed)).toBe(true))
    expect(await owner.users.setBlocked({ userId, blocked: true })).toMatchObject({ success: true })
    const answered = performance.now()
    const before = calls.length
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(before + 100))
    goesOn = false
    await busy
    const after = calls.filter(({ began }) => began > answered)
    expect(after.length).toBeGreaterThan(10)
    expect(after.filter(({ passed }) => passed)).toEqual([])
  }
  await database.close()
})

it('calls cost no statement of their own: who is blocked is read by the second, not by the call', async () => {
  const database = openPostgres({ url: app.databaseUrl ?? '' })
  let read = 0
  const counting: Database = Object.assign(Object.create(database), {
    query: (statement: Parameters<Database['query']>[0]) => {
      read += 1
      return database.query(statement)
    },
  })
  const caller = serverOn(counting).createCaller({ token: await app.token('ada') })
  const began = performance.now()
  for (let call = 0; call < 2_000; call += 1) expect(await caller.integrations.list()).toMatchObject(ok({}))
  expect(read).toBeLessThanOrEqual(2 + (performance.now() - began) / 500)
  await database.close()
})

it('while it cannot be read who is blocked users get 503, and the owner and strangers go on', async () => {
  const proxy = await startTcpProxy(app.databaseUrl ?? '')
  const database = openPostgres({ url: proxy.url })
  const server = serverOn(database, 'owner')
  const list = async (userId?: string) => {
    const caller = server.createCaller(userId === undefined ? {} : { token: await app.token(userId) })
    return caller.integrations.list().then(
      () => 'OK',
      ({ code }: { code?: string }) => code,
    )
  }
  expect(await list('ada')).toBe('OK')
  await proxy.close()
  await vi.waitFor(async () => expect(await list('ada')).toBe('SERVICE_UNAVAILABLE'))
  expect([await list('owner'), await list()]).toEqual(['OK', 'OK'])
  await proxy.reopen()
  expect(await list('ada')).toBe('OK')
  await proxy[Symbol.asyncDispose]()
  await database.close()
})
