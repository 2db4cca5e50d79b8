import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ChangedCollections } from '../../server/invocation/changes.ts'
import { ServerChanges, type ServerChangesOptions } from '../../server/live/server-changes.ts'
import { fixture } from '../fixture/app.ts'
import { readStream, titlesOf } from '../live/read-stream.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const event = (title: string) => ({ title, startsAt: new Date('2030-01-01'), capacity: 10 })

describe('live queries of several servers', () => {
  let one: TestApp
  let other: ReturnType<typeof deployed>
  const deployed = () => one.deploy(fixture.actions)
  const opened: ServerChanges[] = []
  const heard: ChangedCollections[] = []

  function between(app: Pick<TestApp, 'engine' | 'live'>, more: Partial<ServerChangesOptions> = {}) {
    const changes = new ServerChanges({
      database: one.database,
      changes: app.engine.changes,
      listenUrl: one.databaseUrl,
      onChange: (collections) => {
        heard.push(collections)
        app.live.changed(collections)
      },
      log: app.engine.log,
      ...more,
    })
    opened.push(changes)
    return changes
  }

  beforeAll(async () => {
    one = await createTestApp({ livePace: { roundEveryMs: 20, lookEveryMs: 3_600_000 } })
    other = deployed()
  })
  afterAll(async () => {
    await Promise.all(opened.map((changes) => changes.stop()))
    await one[Symbol.asyncDispose]()
  })

  it('show what another server has written, told once for many writes', async () => {
    const listening = between(one)
    between(other, { listenUrl: undefined })
    await vi.waitFor(() => expect(listening.isListening).toBe(true))
    const url = await one.listen()
    const stream = await readStream(`${url}/api/records/events`, { token: await one.token('ada') })
    await stream.until(({ answers }) => answers.length === 1)
    heard.length = 0
    const ada = other.createCaller({ token: await one.token('ada') })
    const began = performance.now()
    for (let at = 1; at <= 20; at++) await ada.records.events.create({ data: event(`by the other ${at}`) })
    await stream.until(({ last }) => last?.count === 20)
    expect(titlesOf(stream.last)[0]).toBe('by the other 20')
    // One at once, and then at most one in each 50 ms.
    expect(heard.length).toBeLessThanOrEqual(2 + (performance.now() - began) / 50)
    expect(heard.every((collections) => collections !== 'all' && collections.has('events'))).toBe(true)
    stream.close()
  })

  it('hear nothing of what was rolled back', async () => {
    await vi.waitFor(() => expect(opened[0]?.isListening).toBe(true))
    heard.length = 0
    const ada = other.createCaller({ token: await one.token('ada-2') })
    const made = await ada.records.events.create({ data: event('one'), recordId: 'taken-2' })
    expect(made.success).toBe(true)
    await vi.waitFor(() => expect(heard).toHaveLength(1))
    const refused = await ada.records.events.update({ recordId: 'missing', patch: { title: 'x' } })
    expect(refused.success).toBe(false)
    await ada.records.events.remove({ recordId: 'taken-2' })
    await vi.waitFor(() => expect(heard).toHaveLength(2))
  })

  it('listen again when their connection is lost, and look at what they missed', async () => {
    const missed: ChangedCollections[] = []
    const listening = between(one, { onChange: (collections) => missed.push(collections) })
    await vi.waitFor(() => expect(missed).toEqual(['all']))
    await one.database.query({
      sql: `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen %'`,
      params: [],
    })
    await vi.waitFor(() => expect(missed).toEqual(['all', 'all']))
    expect(listening.isListening).toBe(true)
  })
})
