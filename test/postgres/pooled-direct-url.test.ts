import { expect, it } from 'vitest'
import { migratePostgres } from '../../server/db/migrate.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { openEmptyDatabase } from '../db/empty-database.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'
import { connectAsAdmin } from './admin.ts'
import { startPgbouncer } from './pgbouncer.ts'

const start = (databaseUrl: string, databaseDirectUrl?: string) =>
  openDatabase({
    databaseUrl,
    databaseDirectUrl,
    directory: undefined,
    migrations: MIGRATIONS,
    tables: TABLES,
  })

/** What a start can leave behind in a database and in the backends of a pooler. */
async function tracesIn(url: string): Promise<{ readonly tables: number; readonly locks: number }> {
  await using admin = connectAsAdmin({ app: { databaseUrl: url } })
  const [row] = await admin.sql<{ tables: number; locks: number }[]>`
    select (select count(*)::int from pg_tables where schemaname in ('public', 'deputy')) as tables,
      (select count(*)::int from pg_locks where locktype = 'advisory' and database =
        (select oid from pg_database where datname = current_database())) as locks`
  if (!row) throw new Error('A count has a row')
  return row
}

const NOTHING = { tables: 0, locks: 0 }

it.each(['transaction', 'statement'])(
  'a direct address that leads to a pooler in %s mode is refused, and nothing is applied or left there',
  async (pool_mode) => {
    await using empty = await openEmptyDatabase()
    const url = empty.url ?? ''
    await using pooler = await startPgbouncer(url, { pool_mode })
    for (const address of [url, pooler.url]) {
      if (address === pooler.url && pool_mode === 'statement') continue
      await expect(start(address, pooler.url)).rejects.toThrow(
        new RegExp(`^DATABASE_DIRECT_URL leads to a pooler in ${pool_mode} mode`),
      )
      expect(await tracesIn(url)).toEqual(NOTHING)
    }
    await (await start(url)).close()
    expect((await tracesIn(url)).locks).toBe(0)
  },
)

it('a direct address that leads to another database is refused, and neither is written to', async () => {
  await using empty = await openEmptyDatabase()
  await using other = await openEmptyDatabase()
  const [url, otherUrl] = [empty.url ?? '', other.url ?? '']
  await using pooler = await startPgbouncer(url, { pool_mode: 'transaction' })
  await using otherPooler = await startPgbouncer(otherUrl, { pool_mode: 'session' })
  for (const address of [url, pooler.url])
    for (const direct of [otherUrl, otherPooler.url])
      await expect(start(address, direct)).rejects.toThrow(
        'DATABASE_DIRECT_URL leads to another database than DATABASE_URL does',
      )
  expect(await tracesIn(url)).toEqual(NOTHING)
  expect(await tracesIn(otherUrl)).toEqual(NOTHING)

  await using session = await startPgbouncer(url, { pool_mode: 'session' })
  await (await start(pooler.url, session.url)).close()
  expect((await tracesIn(url)).tables).toBeGreaterThan(TABLES.length)
  expect(await tracesIn(otherUrl)).toEqual(NOTHING)
})

it('a direct address that cannot be reached is named as such', async () => {
  await using empty = await openEmptyDatabase()
  const url = empty.url ?? ''
  await expect(start(url, 'postgres://nobody@127.0.0.1:1/x')).rejects.toThrow(
    /^DATABASE_DIRECT_URL: the database cannot be reached/,
  )
  expect(await tracesIn(url)).toEqual(NOTHING)
})

it('through a pooler in transaction mode that is said to be another one, migrations leave no lock and no setting', async () => {
  await using empty = await openEmptyDatabase()
  const url = empty.url ?? ''
  await using pooler = await startPgbouncer(url, { pool_mode: 'transaction', default_pool_size: 3 })
  // Others have the backends change hands all the time.
  await using others = connectAsAdmin({ app: { databaseUrl: pooler.url } })
  let isOver = false
  const load = Promise.all(
    [1, 2].map(async () => {
      while (!isOver) await others.sql.unsafe('select pg_sleep(0.001)').simple()
    }),
  )
  const options = { migrations: MIGRATIONS, tables: TABLES }
  try {
    const reports = await Promise.all([1, 2, 3].map(() => migratePostgres(pooler.url, options)))
    const applied = reports.flatMap(({ engine, app }) => [
      ...engine.applied.map((tag) => `${tag} of the engine`),
      ...app.applied,
    ])
    expect(new Set(applied).size).toBe(applied.length)
    expect(applied.length).toBeGreaterThan(0)
  } finally {
    isOver = true
    await load
  }
  expect((await tracesIn(url)).locks).toBe(0)
  const nothing = { engine: [], app: [] }
  const again = await migratePostgres(url, options)
  expect({ engine: again.engine.applied, app: again.app.applied }).toEqual(nothing)
})
