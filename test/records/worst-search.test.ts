import { performance } from 'node:perf_hooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { execute } from '../support/execute.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

// limits.md: search

// The most expensive things that somebody without a token may ask of a collection full of the worst texts.

/** Generous: what takes a third of a second alone may share its processor. */
const MOST_MS = 15_000
/** The texts differ at their end alone, and are stored in descending order: a sort goes the longest way. */
const FILL = `
  insert into events (record_id, created_at, updated_at, title, summary, starts_at, capacity, visibility)
  select 'event-' || i, now() - i * interval '1 second', now(), repeat('a', 9990) || lpad((20000 - i)::text, 10, '0'),
    repeat('a', 10000), now(), 10, 'public'
  from generate_series(1, 20000) i;
  analyze events`

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
  await execute(app.database, app.databaseUrl, FILL)
}, 120_000)
afterAll(() => app[Symbol.asyncDispose]())

const worst = `b${'a'.repeat(99)}`
const searches = {
  'five patterns under OR and NOT': {
    OR: [
      { title: { contains: worst } },
      { NOT: { summary: { contains: `a${worst.slice(1)}`, startsWith: 'aaa' } } },
      { AND: [{ title: { contains: worst } }, { summary: { contains: worst } }] },
    ],
  },
  '95 comparisons by order with texts of 1000 characters': {
    OR: Array.from({ length: 95 }, (_, i) => ({ title: { gt: `${'a'.repeat(990)}${i}b` } })),
  },
  'ten long operands of the right length': {
    title: { notIn: Array.from({ length: 10 }, (_, i) => `${'a'.repeat(9_999)}${i}`) },
  },
  '1000 values': { title: { in: Array.from({ length: 1_000 }, (_, i) => `no-${i}`) } },
  'five beginnings': {
    OR: ['b', 'ab', 'aab', 'aaab', 'b'.repeat(100)].map((prefix) => ({ title: { startsWith: prefix } })),
  },
} as const
const orders = [
  { orderBy: 'createdAt', orderDir: 'asc' },
  { orderBy: 'startsAt', orderDir: 'desc' },
  { orderBy: 'title', orderDir: 'asc' },
] as const

/** Runs it, and says how long it took: on PGlite, that is how long the process was held up. */
async function timed<T>(run: () => Promise<T>): Promise<{ answer: T; tookMs: number }> {
  const start = performance.now()
  const answer = await run()
  return { answer, tookMs: performance.now() - start }
}

describe.each(Object.entries(searches))('%s', (_name, where) => {
  it.each(orders)('ordered by $orderBy, end or are refused in time', async (order) => {
    const { events } = app.createCaller({}).records
    const { answer, tookMs } = await timed(() => events.list({ where, ...order, limit: 1_000 }))
    expect(answer.success ? 200 : answer.code).toBeOneOf(
      order.orderBy === 'title' ? [200, 'BAD_REQUEST'] : [200],
    )
    expect(tookMs).toBeLessThan(MOST_MS)
  })

  it('are counted, or refused in time', async () => {
    const { events } = app.createCaller({}).records
    const { answer, tookMs } = await timed(() => events.count({ where }))
    expect(answer.success ? 200 : answer.code).toBeOneOf([200, 'BAD_REQUEST'])
    expect(tookMs).toBeLessThan(MOST_MS)
  })
})
