import { afterEach, beforeEach, expect, it } from 'vitest'
import { erase } from '../../server/audit/erase.ts'
import { listAudit } from '../../server/audit/list.ts'
import { prune } from '../../server/audit/prune.ts'
import { type AuditRow, insertAudit } from '../support/audit-rows.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { execute } from '../support/execute.ts'

const NOW = new Date('2026-06-01T00:00:00Z')
const clock = () => NOW
const second = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n))
const rows = (count: number, row: Partial<AuditRow> = {}): AuditRow[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `${row.actor ?? 'ada'}-${n}`,
    at: second(n).toISOString(),
    detail: { input: '{}', ip: null },
    ...row,
  }))

let opened: TestDatabase
beforeEach(async () => {
  opened = await openTestDatabase()
})
afterEach(() => opened[Symbol.asyncDispose]())

const insert = (given: readonly AuditRow[]) => insertAudit(opened.database, opened.url, given)
const select = async (text: string) => (await opened.database.query({ sql: text, params: [] })).rows
const ids = async (table: 'audit_log' | 'audit_detail') =>
  (await select(`select id from deputy.${table} where actor is not null order by at, id`)).map(([id]) => id)
const isRefused = () =>
  expect(execute(opened.database, opened.url, 'delete from deputy.audit_log')).rejects.toThrow('append-only')

it('prune removes entries and details before an instant, and not those of the instant', async () => {
  await insert(rows(4))
  expect(await prune(opened.database, { before: second(2), clock })).toEqual({ entries: 2, details: 2 })
  expect(await ids('audit_log')).toEqual(['ada-2', 'ada-3'])
  expect(await ids('audit_detail')).toEqual(['ada-2', 'ada-3'])
})

it('prune works in batches, each of which leaves an entry with what it removed', async () => {
  await insert(rows(7))
  const options = { before: second(5), clock, batchRows: 2 }
  expect(await prune(opened.database, options)).toEqual({ entries: 5, details: 5 })
  expect(await ids('audit_log')).toEqual(['ada-5', 'ada-6'])
  const own = []
  for await (const entry of listAudit(opened.database, { actor: undefined, action: 'audit.prune', limit: 9 }))
    own.push(entry)
  expect(own.map(({ writeCount }) => writeCount).sort()).toEqual([2, 4, 4])
  expect(new Set(own.map(({ requestId }) => requestId)).size).toBe(1)
  expect(own[0]).toMatchObject({
    at: NOW,
    transport: 'command',
    actor: null,
    outcome: 'OK',
    attempts: 1,
    inputHash: null,
    writes: [],
    payers: [],
    cost: null,
    input: '{"before":"2026-01-01T00:00:05.000Z"}',
    ip: null,
  })
})

it.each([0, 2, 4])(
  'with %i rows to remove, no batch of nothing leaves an entry but the first',
  async (count) => {
    await insert(rows(count))
    await prune(opened.database, { before: NOW, clock, batchRows: 2 })
    const [own] = await select(`select count(*)::integer from deputy.audit_log where action = 'audit.prune'`)
    expect(own).toEqual([Math.max(1, count / 2)])
  },
)

it('prune removes a detail whose entry is gone', async () => {
  await insert(rows(1))
  await execute(
    opened.database,
    opened.url,
    `insert into deputy.audit_detail (id, at) values ('stray', '2026-01-01Z')`,
  )
  expect(await prune(opened.database, { before: NOW, clock })).toEqual({ entries: 1, details: 2 })
})

it('the log refuses changes after a prune, and after one that failed', async () => {
  await insert(rows(3))
  await isRefused()
  await prune(opened.database, { before: second(1), clock })
  await isRefused()
  await execute(opened.database, opened.url, 'alter table deputy.audit_detail rename to hidden')
  await expect(prune(opened.database, { before: NOW, clock })).rejects.toMatchObject({ sqlstate: '42P01' })
  await isRefused()
  await execute(opened.database, opened.url, 'alter table deputy.hidden rename to audit_detail')
  // Nothing of the batch that failed has happened.
  expect(await ids('audit_log')).toEqual(['ada-1', 'ada-2'])
  expect(await select(`select count(*)::integer from deputy.audit_log where actor is null`)).toEqual([[1]])
})

it('erase removes the input and ip of one user, and no entry', async () => {
  await insert([...rows(5), ...rows(2, { actor: 'bill' })])
  const options = { userId: 'ada', clock, batchRows: 2 }
  expect(await erase(opened.database, options)).toEqual({ entries: 0, details: 5 })
  expect(await ids('audit_detail')).toEqual(['bill-0', 'bill-1'])
  expect((await ids('audit_log')).length).toBe(7)
  const own = await select(
    `select write_count, writes::text, input from deputy.audit_log l join deputy.audit_detail d using (id)
     where action = 'audit.erase' order by write_count`,
  )
  const input = '{"user":"ada"}'
  expect(own).toEqual([1, 2, 2].map((count) => [count, '[]', input]))
  expect(await erase(opened.database, options)).toEqual({ entries: 0, details: 0 })
})

it('a list goes over as many pages as it takes', async () => {
  await insert(rows(450))
  const listed = async (limit: number) => {
    const found: string[] = []
    for await (const { id } of listAudit(opened.database, { actor: 'ada', action: undefined, limit }))
      found.push(id)
    return found
  }
  const newestFirst = Array.from({ length: 450 }, (_, n) => `ada-${449 - n}`)
  expect(await listed(1_000)).toEqual(newestFirst)
  expect(await listed(401)).toEqual(newestFirst.slice(0, 401))
})
