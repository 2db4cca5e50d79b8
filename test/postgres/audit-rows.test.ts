import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { SqlError, type Statement } from '../../server/db/database.ts'
import { type AuditRows, createAuditRows } from '../../server/invocation/audit-row.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'

let opened: TestDatabase
let admin: postgres.Sql
let auditRows: AuditRows
/** How often it took a connection. */
let taken = 0
beforeAll(async () => {
  opened = await openTestDatabase()
  const { database } = opened
  admin = postgres(opened.url ?? '', { max: 2, onnotice: () => {} })
  auditRows = createAuditRows({
    ...database,
    acquire: () => {
      taken += 1
      return database.acquire()
    },
    write: (statement) => {
      taken += 1
      return database.write(statement)
    },
  })
})
beforeEach(() => {
  taken = 0
})
afterAll(async () => {
  await admin.end()
  await opened[Symbol.asyncDispose]()
})

const rowOf = (request: string, outcome = 'OK'): Statement => ({
  sql: `insert into deputy.audit_log (id, at, request_id, transport, action, outcome, attempts, duration_ms, writes, write_count,
      payers) values ($1, now(), $2, 'rest', 'test', $3, 1, 1, '[]', 0, '{}') on conflict do nothing`,
  params: [randomUUID(), request, outcome],
})
const times = <T>(count: number, make: (nth: number) => T) =>
  Array.from({ length: count }, (_, nth) => make(nth))
const kept = async (request: string) =>
  (await admin`select 1 from deputy.audit_log where request_id = ${request}`).length

it('rows of calls that end at once share a transaction, and all are there when it is told', async () => {
  const request = randomUUID()
  await Promise.all(times(30, () => auditRows.fulfil(rowOf(request))))
  expect(await kept(request)).toBe(30)
  expect(taken).toBe(2)
})

it('a row that cannot be written keeps no other one from it', async () => {
  const request = randomUUID()
  const answers = await Promise.allSettled(
    times(10, (nth) => auditRows.fulfil(rowOf(request, nth === 4 ? 'a\0b' : 'OK'))),
  )
  expect(await kept(request)).toBe(9)
  for (const [nth, answer] of answers.entries()) {
    if (nth !== 4) expect(answer).toMatchObject({ value: 'kept' })
    else expect(answer).toMatchObject({ reason: expect.any(SqlError) })
  }
})

it('when the connection ends under them, each is written once all the same', async () => {
  const request = randomUUID()
  const { asked } = await admin.begin(async (holder) => {
    await holder`lock table deputy.audit_log in share mode`
    const asked = Promise.all(times(10, () => auditRows.fulfil(rowOf(request))))
    // The first of them went ahead, the others follow together.
    await expect.poll(async () => (await waiting()).length).toBe(2)
    for (const { pid } of await waiting()) await admin`select pg_terminate_backend(${pid})`
    return { asked }
  })
  await asked
  expect(await kept(request)).toBe(10)
})

/** Connections that wait for the table. */
const waiting = () => admin<{ pid: number }[]>`select pid from pg_stat_activity
  where datname = current_database() and application_name = 'deputy' and wait_event_type = 'Lock'`
