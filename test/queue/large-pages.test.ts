import { afterAll, beforeAll, expect, it } from 'vitest'
import { execute } from '../support/execute.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const MESSAGES = 60
const PAGE_BYTES = 2 * 1024 * 1024

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
  await execute(
    app.database,
    app.databaseUrl,
    `insert into deputy.queue (id, kind, max_attempts, state, lane, data, payer, action, invocation, created_at)
      select 'large-' || lpad(n::text, 4, '0'), 'message', 13, 'dead', 'mail/send', jsonb_build_object('text', repeat('x', 100000))::text,
        'owner', 'send', 'i', '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => n / 3)
      from generate_series(1, ${MESSAGES}) n;
    insert into deputy.queue (id, kind, max_attempts, state, lane, data, payer, action, invocation, created_at)
      values ('huge', 'message', 13, 'dead', 'mail/send', jsonb_build_object('text', repeat('x', 3000000))::text, 'owner', 'send', 'i',
        '2027-01-01T00:00:00Z')`,
  )
})
afterAll(() => app[Symbol.asyncDispose]())

it('a page of the outbox ends at its bytes, and the next one goes on there', async () => {
  const owner = await app.as('owner')
  const ids: string[] = []
  const sizes: number[] = []
  for (let cursor: string | null = null; ; ) {
    const page = await owner.outbox.list({ state: 'dead', limit: 200, cursor })
    if (!page.success) throw new Error(page.error)
    ids.push(...page.data.messages.map(({ id }) => id))
    sizes.push(page.data.messages.length)
    if (page.data.messages[0]?.id !== 'huge')
      expect(Buffer.byteLength(JSON.stringify(page.data.messages))).toBeLessThan(PAGE_BYTES * 1.2)
    cursor = page.data.nextCursor
    if (cursor === null) break
  }
  // One that is larger than a page has one of its own.
  expect(sizes).toEqual([1, 20, 20, 20])
  const newestFirst = Array.from({ length: MESSAGES }, (_, nth) => MESSAGES - nth)
  expect(ids).toEqual(['huge', ...newestFirst.map((nth) => `large-${String(nth).padStart(4, '0')}`)])
})

it('a page that ends at its limit says that there is more, and the last one that there is not', async () => {
  const owner = await app.as('owner')
  const first = await owner.outbox.list({ limit: 3 })
  const cursor = first.success ? first.data.nextCursor : null
  expect(first).toMatchObject({ data: { messages: { length: 1 } } })
  const second = await owner.outbox.list({ limit: 3, cursor })
  expect(second).toMatchObject({ data: { messages: { length: 3 }, nextCursor: expect.any(String) } })
  const none = await owner.outbox.list({ state: 'queued', limit: 3 })
  expect(none).toMatchObject({ data: { messages: [], nextCursor: null } })
})
