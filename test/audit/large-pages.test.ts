import { afterAll, beforeAll, expect, it } from 'vitest'
import { listAudit } from '../../server/audit/list.ts'
import { insertAudit } from '../support/audit-rows.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const ENTRIES = 120
const PAGE_BYTES = 2 * 1024 * 1024

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
  const writes = Array.from({ length: 100 }, (_, nth) => ({
    op: 'create',
    collection: 'events',
    recordId: `${nth}-${'x'.repeat(250)}`,
  }))
  const rows = Array.from({ length: ENTRIES }, (_, nth) => ({
    id: `large-${String(nth).padStart(4, '0')}`,
    at: new Date(Date.UTC(2026, 0, 1, 0, 0, nth)).toISOString(),
    actor: 'large',
    writes,
  }))
  for (let from = 0; from < ENTRIES; from += 20) {
    await insertAudit(app.database, app.databaseUrl, rows.slice(from, from + 20))
  }
})
afterAll(() => app[Symbol.asyncDispose]())

it('a page of the audit log ends at its bytes, and the next one goes on there', async () => {
  const owner = await app.as('owner')
  const ids: string[] = []
  let pages = 0
  for (let cursor: string | null = null; ; ) {
    const page = await owner.audit.list({ actor: 'large', limit: 200, cursor })
    if (!page.success) throw new Error(page.error)
    pages += 1
    ids.push(...page.data.entries.map(({ id }) => id))
    expect(page.data.entries.length).toBeGreaterThan(0)
    expect(Buffer.byteLength(JSON.stringify(page.data.entries))).toBeLessThan(PAGE_BYTES * 1.2)
    cursor = page.data.nextCursor
    if (cursor === null) break
  }
  expect(pages).toBeGreaterThan(1)
  expect(ids).toHaveLength(ENTRIES)
  expect(new Set(ids).size).toBe(ENTRIES)
})

it('a page that ends at its limit says that there is more, and the last one that there is not', async () => {
  const owner = await app.as('owner')
  const first = await owner.audit.list({ actor: 'large', limit: 10 })
  const cursor = first.success ? first.data.nextCursor : null
  expect(first).toMatchObject({ success: true, data: { entries: { length: 10 } } })
  expect(cursor).toBeTypeOf('string')
  const last = await owner.audit.list({ actor: 'large', limit: 70, from: new Date('2026-01-01T00:01:00Z') })
  expect(last).toMatchObject({ success: true, data: { entries: { length: 60 }, nextCursor: null } })
  const exact = await owner.audit.list({ actor: 'large', limit: 60, from: new Date('2026-01-01T00:01:00Z') })
  expect(exact).toMatchObject({ success: true, data: { entries: { length: 60 }, nextCursor: null } })
})

it('the command lists as many as it is asked for, over as many pages as it takes', async () => {
  const listed: string[] = []
  const options = { actor: 'large', action: undefined, limit: ENTRIES }
  for await (const { id } of listAudit(app.database, options)) listed.push(id)
  expect(listed).toHaveLength(ENTRIES)
})
