import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Statement } from '../../server/db/database.ts'
import { execute } from '../support/execute.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
const sent: Statement[] = []
beforeAll(async () => {
  app = await createTestApp()
  await execute(
    app.database,
    app.databaseUrl,
    `insert into deputy.audit_log (id, at, request_id, transport, actor, action, outcome, attempts, duration_ms,
         input_hash, writes, write_count, payers)
       select 'a-' || n, now() - n * interval '1 second', 'r', 'rest', 'user-' || n % 1000, 'action' || n % 100,
         'OK', 1, 5, null, jsonb_build_array(
           jsonb_build_object('op', 'create', 'collection', 'events', 'recordId', 'e-' || n),
           jsonb_build_object('op', 'update', 'collection', 'counters', 'recordId', 'c-' || n % 5000)),
         2, '{}'
       from generate_series(1, 100000) n;
     insert into deputy.audit_detail (id, at, actor, input)
       select 'a-' || n, now() - n * interval '1 second', 'user-' || n % 1000, '{}'
       from generate_series(1, 100000) n;
     analyze`,
  )
  // The engine reads through the object that the app was given; what it sends is noted on the way.
  const { query } = app.database
  app.database.query = (statement) => {
    // Who is blocked is read beside it, from time to time.
    if (!statement.sql.includes('blocked_users')) sent.push(statement)
    return query(statement)
  }
}, 120_000)
afterAll(() => app[Symbol.asyncDispose]())

/** The plan of the last statement that was sent, as a connection of any settings would make it. */
async function explainLast(settings: string): Promise<string> {
  const last = sent.at(-1)
  if (!last) throw new Error('Nothing was sent')
  const lease = await app.database.acquire()
  try {
    await lease.session.control(settings)
    const { rows } = await lease.session.query({ sql: `explain ${last.sql}`, params: last.params })
    return rows.map(([line]) => String(line)).join('\n')
  } finally {
    await lease.session.close()
    lease.release()
  }
}

type Query = Parameters<Awaited<ReturnType<TestApp['as']>>['audit']['list']>[0]

const WRITES = /audit_log_writes_idx/
const QUERIES: readonly (readonly [string, Query, RegExp, RegExp])[] = [
  ['nothing but time', {}, /audit_log_at_idx/, /Seq Scan|Sort/],
  ['an actor', { actor: 'user-7' }, /audit_log_actor_at_idx/, /Seq Scan|Sort/],
  ['an action', { action: 'action7' }, /audit_log_action_at_idx/, /Seq Scan|Sort/],
  ['a collection', { collection: 'events' }, /audit_log_at_idx/, /Seq Scan|Sort/],
  ['a record, written once', { collection: 'events', recordId: 'e-99000' }, WRITES, /Seq Scan/],
  ['a record, written often', { collection: 'counters', recordId: 'c-7' }, WRITES, /Seq Scan/],
  [
    'a record and an actor',
    { collection: 'counters', recordId: 'c-7', actor: 'user-7' },
    /audit_log_(writes|actor_at)_idx/,
    /Seq Scan/,
  ],
]

describe('with 100 000 entries', () => {
  it.each(QUERIES)('a page by %s uses its index', async (_what, query, index, never) => {
    const owner = await app.as('owner')
    const first = await owner.audit.list({ ...query, limit: 10 })
    expect(first).toMatchObject({ success: true, data: { entries: expect.any(Array) } })
    const cursor = first.success ? (first.data.nextCursor ?? undefined) : undefined
    for (const page of [{}, { cursor }]) {
      expect(await owner.audit.list({ ...query, limit: 10, ...page })).toMatchObject({ success: true })
      for (const settings of ['set enable_seqscan = on', 'set enable_seqscan = off']) {
        const plan = await explainLast(settings)
        expect(plan).toMatch(index)
        expect(plan).toContain('audit_detail_pkey')
        expect(plan).not.toMatch(never)
      }
    }
  })
})
