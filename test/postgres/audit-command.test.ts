import postgres from 'postgres'
import { expect, it } from 'vitest'
import { erase } from '../../server/audit/erase.ts'
import { prune } from '../../server/audit/prune.ts'
import { gate } from '../invocation/probe.ts'
import { runDeputy } from '../lifecycle/process.ts'
import { insertAudit } from '../support/audit-rows.ts'
import { openTestDatabase } from '../support/database.ts'

async function audit(url: string, args: readonly string[]) {
  const { output, ended } = await runDeputy(['audit', ...args], { DATABASE_URL: url })
  return { ...(await ended), ...output }
}

async function openLog() {
  const { database, url, [Symbol.asyncDispose]: drop } = await openTestDatabase()
  if (url === undefined) throw new Error('This test needs PostgreSQL')
  const sql = postgres(url, { max: 2, onnotice: () => {} })
  const rows = Array.from({ length: 20 }, (_, n) => ({
    id: `e${n}`,
    at: '2025-01-01T00:00:00Z',
    detail: { input: '{}', ip: null },
  }))
  await insertAudit(database, url, rows)
  return {
    database,
    url,
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end()
      await drop()
    },
  }
}

it('the commands work on DATABASE_URL, and show no password', async () => {
  await using log = await openLog()
  const url = new URL(log.url)
  url.password = 'not-shown'
  const erased = await audit(url.href, ['erase', '--user', 'ada'])
  expect(erased).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Erased 20 details of ada in postgres:/),
  })
  const pruned = await audit(url.href, ['prune', '--older-than', '90d'])
  expect(pruned).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Removed 20 entries and 0 details /),
  })
  const listed = await audit(url.href, ['list'])
  expect(listed.stdout.split('\n').map((line) => line.split('\t')[2])).toEqual([
    'audit.prune',
    'audit.erase',
    undefined,
  ])
  expect([erased, pruned, listed].map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain(
    'not-shown',
  )
})

it('a database without a log, and a role that does not own it, are told of', async () => {
  await using log = await openLog()
  const role = `audit_reader_${process.pid}`
  await log.sql.unsafe(
    `create role ${role} login; grant usage on schema deputy to ${role};
     grant select, delete on deputy.audit_log, deputy.audit_detail to ${role}`,
  )
  try {
    const url = new URL(log.url)
    url.username = role
    const refused = await audit(url.href, ['prune', '--older-than', '90d'])
    expect(refused).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('must own the table'),
    })
  } finally {
    await log.sql.unsafe(`drop owned by ${role}; drop role ${role}`)
  }
  await log.sql`drop table deputy.audit_log`
  const absent = await audit(log.url, ['list'])
  expect(absent).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('There is no audit log'),
  })
})

it('a prune that cannot have the table gives up, and holds nobody up for long', async () => {
  await using log = await openLog()
  const [locked, end] = [gate(), gate()]
  const holding = log.sql.begin(async (sql) => {
    await sql`lock table deputy.audit_log in row exclusive mode`
    locked.open()
    await end.opened
  })
  await locked.opened
  const pruned = prune(log.database, { before: new Date(), clock: () => new Date() })
  await expect(pruned).rejects.toMatchObject({ sqlstate: '55P03' }).finally(end.open)
  await holding
  expect(await prune(log.database, { before: new Date(), clock: () => new Date() })).toMatchObject({
    entries: 20,
  })
})

it('entries that are written during a prune wait for it and are kept; prunes and erasures at once all succeed', async () => {
  await using log = await openLog()
  const clock = () => new Date()
  const write = async (n: number) => {
    await log.sql`insert into deputy.audit_log select ${`new-${n}`}, now(), request_id, transport, 'new', action, outcome,
      attempts, duration_ms, input_hash, writes, write_count, payers, cost from deputy.audit_log limit 1`
  }
  const options = { before: new Date('2026-01-01Z'), clock, batchRows: 3 }
  const removed = await Promise.all([
    prune(log.database, options),
    prune(log.database, options),
    erase(log.database, { userId: 'ada', clock, batchRows: 3 }),
    ...Array.from({ length: 20 }, (_, n) => write(n)),
  ])
  const totals = removed.slice(0, 3).map((part) => part ?? { entries: 0, details: 0 })
  expect(totals.reduce((sum, { entries }) => sum + entries, 0)).toBe(20)
  expect(totals.reduce((sum, { details }) => sum + details, 0)).toBe(20)
  const [left] = await log.sql`select count(*)::int as count from deputy.audit_log where actor = 'new'`
  expect(left).toEqual({ count: 20 })
})
