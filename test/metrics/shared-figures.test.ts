import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { createQueueFigures } from '../../server/metrics/queue-figures.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { PATIENCE_MS } from '../support/patience.ts'

let opened: TestDatabase
beforeAll(async () => {
  opened = await openTestDatabase()
})
afterAll(() => opened[Symbol.asyncDispose]())

/** Reads anew, whatever was read before. */
const figures = (clockOffsetMs = 0) =>
  createQueueFigures({
    database: opened.database,
    clockOffsetMs: () => clockOffsetMs,
    patienceMs: PATIENCE_MS,
  })()

const queue = (kind: string, lane: string, state: string, due: string, token: string | null = null) =>
  opened.database.write({
    sql: `insert into deputy.queue (id, kind, lane, state, data, action, invocation, max_attempts, due_at, token)
      values ($1, $2, $3, $4, '{}', 'act', 'test', 5, now() + $5::text::interval, $6)`,
    params: [randomUUID(), kind, lane, state, due, token],
  })

/** It goes on growing while the test looks. */
function expectAge(seconds: number, atLeast: number): void {
  expect(seconds).toBeGreaterThanOrEqual(atLeast)
  expect(seconds).toBeLessThan(atLeast + 60)
}

describe('the figures of the queue', () => {
  it('tell kinds and states apart, and how long the oldest is due', async () => {
    await queue('job', 'job:a', 'queued', '-90 seconds')
    await queue('job', 'job:b', 'queued', '-10 seconds')
    await queue('job', 'job:b', 'queued', '1 hour')
    await queue('job', 'job:b', 'queued', '1 hour', 'taken')
    // Its server has died.
    await queue('job', 'job:b', 'queued', '-1 seconds', 'taken')
    await queue('job', 'job:b', 'dead', '-1 day')
    await queue('job', 'job:b', 'done', '-1 day')
    await queue('message', 'mail/send', 'queued', '-5 seconds')
    const found = await figures()
    expect(Object.fromEntries(found?.queue ?? [])).toEqual({
      'job due': 3,
      'job later': 1,
      'job running': 1,
      'job dead': 1,
      'message due': 1,
    })
    expectAge(found?.oldest.get('job') ?? 0, 90)
    expectAge(found?.oldest.get('message') ?? 0, 5)
  })

  it('go by the clock of the app, as the queue does', async () => {
    expect((await figures(7_200_000))?.queue.get('job later')).toBeUndefined()
  })

  it('count at most 1000 of a lane', async () => {
    await opened.database.write({
      sql: `insert into deputy.queue (id, kind, lane, data, action, invocation, max_attempts, due_at)
        select 'g' || n, 'grant', 'grant', '{}', 'act', 'test', 5, now() - n * interval '1 second'
        from generate_series(1, 3000) as n`,
      params: [],
    })
    const found = await figures()
    expect(found?.queue.get('grant due')).toBe(1_000)
    expectAge(found?.oldest.get('grant') ?? 0, 3_000)
  })
})

describe('a look into the database', () => {
  const counting = (fails: () => boolean) => {
    let count = 0
    const { database } = opened
    const query: Database['query'] = (statement) => {
      count += 1
      return fails() ? Promise.reject(new Error('away')) : database.query(statement)
    }
    const read = createQueueFigures({
      database: { ...database, query },
      clockOffsetMs: () => 0,
      patienceMs: PATIENCE_MS,
    })
    return { read, count: () => count }
  }

  it('is one statement for all who ask within ten seconds', async () => {
    const { read, count } = counting(() => false)
    await Promise.all([read(), read(), read()])
    await read()
    expect(count()).toBe(1)
  })

  it('finds nothing while the database is away, and looks again', async () => {
    let isAway = true
    const { read, count } = counting(() => isAway)
    expect(await read()).toBeUndefined()
    isAway = false
    expect(await read()).toBeDefined()
    expect(count()).toBe(2)
  })
})
