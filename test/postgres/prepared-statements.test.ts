import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { toStatement } from '../../server/db/statement.ts'
import { createProbe, type Probe } from '../invocation/probe.ts'
import { type Admin, connectAsAdmin } from './admin.ts'

let probe: Probe
let admin: Admin
beforeAll(async () => {
  probe = await createProbe({ max: 1 })
  admin = connectAsAdmin(probe)
})
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

const HOT = { sql: 'select $1::text as hot', params: ['x'] }
const statement = (text: string, params: readonly unknown[] = []) => ({ sql: text, params })
const asked = async (database: Database, text: string) => (await database.query(statement(text))).rows[0]?.[0]

function open(options: { max?: number; maxLifeMs?: number; now?: () => number } = {}): Database {
  return openPostgres({ url: admin.url, max: 1, ...options })
}

/** Sends a statement of its own shape, as a `where` makes one. */
async function sendShape(database: Database, shape: number): Promise<void> {
  const conditions = Array.from({ length: 13 }, (_, bit) =>
    (shape >> bit) % 2 === 1 ? sql`title > ${`t${bit}`}` : sql`capacity > ${bit}`,
  )
  await database.query(toStatement(sql`select 1 from events where ${sql.join(conditions, sql` and `)}`))
}

it('6 000 shapes that a caller chooses leave a bounded number of prepared statements', async () => {
  const { database } = probe.app
  const counts: unknown[] = []
  for (let shape = 0; shape < 6_000; shape += 1) {
    await sendShape(database, shape)
    if (shape % 500 === 499)
      counts.push(await asked(database, 'select count(*)::int from pg_prepared_statements'))
  }
  for (const count of counts) expect(count).toBeLessThanOrEqual(165)
}, 120_000)

it('what is sent again stays prepared, whatever is sent once', async () => {
  await using database = disposable(open())
  const preparedAt = () =>
    asked(database, `select prepare_time from pg_prepared_statements where statement = '${HOT.sql}'`)
  for (let nth = 0; nth < 2; nth += 1) await database.query(HOT)
  const before = await preparedAt()
  for (let shape = 0; shape < 1_500; shape += 1) await sendShape(database, shape)
  await database.query(HOT)
  expect(before).toBeTypeOf('string')
  expect(await preparedAt()).toBe(before)
})

it('a shape that is sent again after it was given up is answered', async () => {
  await using database = disposable(open())
  for (let round = 0; round < 3; round += 1)
    for (let shape = 0; shape < 100; shape += 1) {
      const { rows } = await database.query(statement(`select $1::text as s${shape}`, [shape]))
      expect(rows).toEqual([[String(shape)]])
    }
})

it('a connection that has lived its life is replaced when it is given back, and another is ready', async () => {
  let now = 0
  await using database = disposable(open({ maxLifeMs: 1_000, now: () => now }))
  const first = await asked(database, 'select pg_backend_pid()')
  now = 799
  expect(await asked(database, 'select pg_backend_pid()')).toBe(first)
  now = 1_001
  const lease = await database.acquire()
  await lease.session.begin({ readOnly: true, statementTimeoutMs: 1_000 })
  now = 5_000
  expect((await lease.session.query(statement('select pg_backend_pid()'))).rows).toEqual([[first]])
  await lease.session.control('rollback')
  lease.release()
  expect(await asked(database, 'select pg_backend_pid()')).not.toBe(first)
  expect(await asked(database, 'show deputy.session')).toMatch(/^[\da-f-]{36}$/)
})

it('a connection that has prepared very many statements is replaced', async () => {
  await using database = disposable(open())
  const first = await asked(database, 'select pg_backend_pid()')
  for (let shape = 0; shape < 2_001; shape += 1) await database.query(statement(`select ${shape}`))
  expect(await asked(database, 'select pg_backend_pid()')).not.toBe(first)
})

const READ = 'select * from shifting where id > $1'
const WRITE = 'insert into shifting (id, note) values (1, $1)'
const CHANGES: readonly (readonly [string, string])[] = [
  ['a column of another type', 'alter table shifting alter column note type int using 1'],
  ['a column more', 'alter table shifting add column more text'],
  ['a key of another type', 'alter table shifting alter column id type text'],
  [
    'a table made again',
    'drop table shifting; create table shifting (id bigint, note varchar(99), more int)',
  ],
  ['statements that a pooler has discarded', ''],
]

it.each(CHANGES)('after %s, reads, writes and transactions pass unaided', async (_title, change) => {
  await admin.sql.unsafe('drop table if exists shifting; create table shifting (id int, note text)')
  await using database = disposable(open({ max: 2 }))
  const held = await Promise.all([database.acquire(), database.acquire()])
  for (const { session } of held) {
    await session.beginWrite()
    for (let nth = 0; nth < 2; nth += 1) {
      await session.query(statement(READ, ['0']))
      await session.query(statement(WRITE, ['1']))
    }
    await session.control('commit')
  }
  if (change !== '') await admin.sql.unsafe(change)
  else for (const { session } of held) await session.control('deallocate all')
  for (const { release } of held) release()
  await database.query(statement(READ, ['0']))
  await database.write(statement(WRITE, ['1']))
  const failures: unknown[] = []
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const leases = await Promise.all([database.acquire(), database.acquire()])
    for (const { session, release } of leases) {
      await session.begin({ readOnly: false, statementTimeoutMs: 1_000 })
      await session.query(statement(READ, ['0'])).catch((error: unknown) => failures.push(error))
      await session.control('rollback')
      release()
    }
  }
  expect(failures).toEqual([])
})

it('a call whose statement is outdated is run again', async () => {
  await admin.sql.unsafe('drop table if exists shifting; create table shifting (id int, note text)')
  const call = () =>
    probe.run((ctx) =>
      ctx.tools.sql((database) => database.execute(sql`select * from shifting where id > ${0}`)),
    )
  for (let nth = 0; nth < 2; nth += 1) expect(await call()).toMatchObject({ success: true })
  await admin.sql.unsafe('alter table shifting alter column note type int using 1')
  expect(await call()).toMatchObject({ success: true })
  await admin.sql.unsafe('drop table shifting')
  expect(await call().catch(() => 'a bug')).toBe('a bug')
})

function disposable(database: Database): Database & AsyncDisposable {
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() })
}
