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

it('behind a pooler in transaction mode missing migrations are named and not applied, and with a direct address they are', async () => {
  await using empty = await openEmptyDatabase()
  const url = empty.url ?? ''
  await using pooler = await startPgbouncer(url, { pool_mode: 'transaction' })
  await using admin = connectAsAdmin({ app: { databaseUrl: url } })
  const tables = async () =>
    (await admin.sql`select 1 from pg_tables where schemaname in ('public', 'deputy')`).length

  await expect(start(pooler.url)).rejects.toThrow(
    /^The database lacks 0000_\w+ of the engine, .* through which no migration is applied.* Set DATABASE_DIRECT_URL/,
  )
  expect(await tables()).toBe(0)

  const database = await start(pooler.url, url)
  await database.close()
  const made = await tables()
  expect(made).toBeGreaterThan(TABLES.length)

  // Once nothing is missing it starts without one.
  const again = await start(pooler.url)
  expect((await again.query({ sql: 'select 1', params: [] })).rows).toEqual([[1]])
  await again.close()
  expect(await tables()).toBe(made)
})

it('who looks at the migrations through a pooler leaves nothing set in its backends', async () => {
  await using empty = await openEmptyDatabase()
  const url = empty.url ?? ''
  await migratePostgres(url, { migrations: MIGRATIONS, tables: TABLES })
  await using pooler = await startPgbouncer(url, { pool_mode: 'transaction', default_pool_size: 1 })
  await using plain = connectAsAdmin({ app: { databaseUrl: pooler.url } })
  const settings = async () => {
    const rows =
      await plain.sql.unsafe(`select name, setting from pg_settings where source = 'session' and name <> 'application_name'
        and name <> 'client_encoding' order by name`)
    return rows.map((row) => ({ ...row }))
  }
  const before = await settings()
  const database = await start(pooler.url)
  await database.query({ sql: 'select 1', params: [] })
  await database.write({
    sql: 'insert into deputy.system_secrets (name, value) values ($1, $2)',
    params: ['pooled', 'x'],
  })
  await database.close()
  expect(await settings()).toEqual(before)
})
