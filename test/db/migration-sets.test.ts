import { cp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { getTableName } from 'drizzle-orm'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { expect, it } from 'vitest'
import { isCollection } from '../../drizzle/engine/collection.ts'
import * as system from '../../drizzle/engine/system.ts'
import { compareGuarantees } from '../../server/db/compare-guarantees.ts'
import { compareTables } from '../../server/db/compare-tables.ts'
import { ENGINE_MIGRATIONS, migratePostgres } from '../../server/db/migrate.ts'
import { readMigrations, SAFE_MARK } from '../../server/db/migration-folder.ts'
import { openPglite } from '../../server/db/pglite.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import * as collections from '../fixture/collections.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { docSnippets } from '../support/doc-snippets.ts'
import { execute } from '../support/execute.ts'
import { runGuarded, temporaryDirectory } from '../support/guarded.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'
import { addMigration, type EmptyDatabase, migrationsFolder, openEmptyDatabase } from './empty-database.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const ENGINE_TABLES = Object.values(system).map((table) => getTableName(table))
const ENGINE_TAGS = readMigrations(join(ROOT, 'drizzle/engine/migrations')).map(({ tag }) => tag)
const declared = [...Object.values(collections).filter(isCollection), ...Object.values(system)]

const rowsOf = async ({ database }: EmptyDatabase, sql: string) =>
  (await database.query({ sql, params: [] })).rows.map((row) => row.join('.'))
const run = ({ database, url }: EmptyDatabase, text: string) => execute(database, url, text)

it('the engine’s migrations come before the app’s, each noted in a journal of its own', async () => {
  await using empty = await openEmptyDatabase()
  await using written = await migrationsFolder()
  const first = 'create table seen as select id, tag from deputy.migrations'
  await written.write([{ tag: '0000_seen', when: 1, sql: first }])
  expect(await empty.migrate({ migrations: written.folder, tables: [] })).toEqual({
    applied: ['0000_seen'],
    unknown: [],
  })
  expect(await rowsOf(empty, 'select tag from seen order by id')).toEqual(ENGINE_TAGS)
  expect(await rowsOf(empty, 'select tag from deputy.migrations order by id')).toEqual(ENGINE_TAGS)
  expect(await rowsOf(empty, 'select tag from drizzle.__drizzle_migrations')).toEqual(['0000_seen'])
  const made = `select schemaname, tablename from pg_tables where schemaname in ('public', 'deputy') order by 1, 2`
  expect(await rowsOf(empty, made)).toEqual(
    [...[...ENGINE_TABLES, 'migrations'].map((name) => `deputy.${name}`).sort(), 'public.seen'].sort(),
  )
})

it('an older engine starts on what a newer one has made if that is marked as safe for it, and else names it', async () => {
  await using newer = await temporaryDirectory('newer')
  await cp(ENGINE_MIGRATIONS, newer.path, { recursive: true })
  const options = { migrations: MIGRATIONS, tables: TABLES }
  await using empty = await openEmptyDatabase()
  await addMigration(
    newer.path,
    '9000_marked',
    `${SAFE_MARK}\nalter table deputy.queue add column later text`,
  )
  await empty.migrate({ ...options, engineMigrations: newer.path })
  // The older one: it has a file less, and applies what is missing of the app as ever.
  await using written = await temporaryDirectory('app')
  await cp(MIGRATIONS, written.path, { recursive: true })
  await addMigration(written.path, '9000_more', 'create table more (id text)')
  const report = await empty.migrate({ ...options, migrations: written.path })
  expect(report.applied).toEqual(['9000_more'])
  expect(await compareTables(empty.database, declared)).toEqual([])
  expect(await compareGuarantees(empty.database)).toEqual([])

  await addMigration(newer.path, '9001_unmarked', 'alter table deputy.queue add column last text')
  await empty.migrate({ ...options, migrations: written.path, engineMigrations: newer.path })
  await expect(empty.migrate({ ...options, migrations: written.path })).rejects.toThrow(
    /^The database has migrations of a newer engine, which are not marked as safe for this one: 9001_unmarked\. Start the version of deputyjs that applied them/,
  )
  // Marked by hand, as docs/upgrading.md says.
  const mark = (await docSnippets('upgrading.md')).get('mark-applied') ?? ''
  expect(mark).toContain("drizzle.__drizzle_migrations SET safe_for_older = true WHERE tag = '0007_location'")
  await run(
    empty,
    mark
      .replace('drizzle.__drizzle_migrations', 'deputy.migrations')
      .replace('0007_location', '9001_unmarked'),
  )
  expect((await empty.migrate({ ...options, migrations: written.path })).applied).toEqual([])
})

it('every table of the engine is declared in its schema, and no collection is', () => {
  expect(new Set(Object.values(system).map((table) => getTableConfig(table).schema))).toEqual(
    new Set(['deputy']),
  )
  expect(declared.slice(0, TABLES.length).flatMap((table) => getTableConfig(table).schema ?? [])).toEqual([])
})

it('what drizzle-kit makes of the app leaves the engine’s tables and triggers alone', {
  timeout: 240_000,
}, async () => {
  await using copy = await temporaryDirectory('generate')
  for (const name of ['drizzle', 'drizzle.config.ts', 'drizzle.engine.config.ts', 'server', 'package.json'])
    await cp(join(ROOT, name), join(copy.path, name), { recursive: true })
  const migrations = join(copy.path, 'drizzle/migrations')
  await rm(migrations, { recursive: true })
  await cp(MIGRATIONS, migrations, { recursive: true })
  await cp(join(ROOT, 'test/fixture/collections.ts'), join(copy.path, 'drizzle/collections.ts'))
  await symlink(join(ROOT, 'node_modules'), join(copy.path, 'node_modules'))
  const generate = async (...args: readonly string[]) => {
    const kit = join(ROOT, 'node_modules/drizzle-kit/bin.cjs')
    const command = ['--conditions=deputy-source', kit, 'generate', ...args]
    return (await runGuarded(process.execPath, command, { cwd: copy.path })).stdout
  }
  // What is committed is what is declared.
  expect(await generate()).toContain('No schema changes')
  expect(await generate('--config', 'drizzle.engine.config.ts')).toContain('No schema changes')

  await rm(migrations, { recursive: true })
  await generate('--name', 'again')
  const files = (await readdir(migrations)).filter((file) => file.endsWith('.sql'))
  expect(files).toEqual(['0000_again.sql'])
  const text = await readFile(join(migrations, '0000_again.sql'), 'utf8')
  expect([...text.matchAll(/CREATE TABLE "(\w+)"/g)].map(([, name]) => name).sort()).toEqual(
    [...TABLES].sort(),
  )
  expect(ENGINE_TABLES.filter((name) => text.includes(`"${name}"`))).toEqual([])

  await using empty = await openEmptyDatabase()
  await empty.migrate({ migrations, tables: TABLES })
  expect(await compareTables(empty.database, declared)).toEqual([])
  expect(await compareGuarantees(empty.database)).toEqual([])
})

it('a server does not start where the trigger of a table is gone, and names it', async () => {
  await using empty = await openEmptyDatabase()
  await using directory = await dataDirectory()
  const place = { databaseUrl: empty.url, directory: empty.url === undefined ? directory.path : undefined }
  const start = () => openDatabase({ ...place, migrations: MIGRATIONS, tables: TABLES, expected: declared })
  await (await start()).close()
  const drop = 'drop trigger credit_entries_append_only on deputy.credit_entries'
  if (empty.url === undefined) {
    const database = await openPglite({ directory: directory.path })
    await execute(database, undefined, drop).finally(() => database.close())
  } else await run(empty, drop)
  await expect(start()).rejects.toThrow(
    'the trigger credit_entries_append_only on deputy.credit_entries is gone',
  )
}, 120_000)

it.each([
  [
    'a file of the app was applied with another content',
    `create schema drizzle;
     create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint, tag text);
     insert into drizzle.__drizzle_migrations (hash, created_at, tag) values ('x', 1, '0000_init')`,
    'Migration 0000_init.sql was applied with another content than it has now. Restore the file',
  ],
  [
    'the app’s journal is another table',
    'create schema drizzle; create table drizzle.__drizzle_migrations (id serial, hash text, name text)',
    'The table "drizzle"."__drizzle_migrations" has no column created_at',
  ],
  [
    'the engine’s journal is another table',
    'create schema deputy; create table deputy.migrations (version text)',
    'The table "deputy"."migrations" has no column id, hash, created_at',
  ],
  [
    'another version of the engine made it',
    `create schema deputy;
     create table deputy.migrations (id serial primary key, hash text not null, created_at bigint, tag text);
     insert into deputy.migrations (hash, created_at, tag) values ('x', 1, '0000_init')`,
    'Migration 0000_init.sql of the engine was applied with another content than it has now. Start the version of the engine that made this database',
  ],
])(
  'a database that does not fit is refused in a sentence, and stays as it is: %s',
  async (_what, made, said) => {
    await using empty = await openEmptyDatabase()
    await run(empty, made)
    const all = `select schemaname, tablename from pg_tables where schemaname !~ '^(pg_|information_)' order by 1, 2`
    const before = await rowsOf(empty, all)
    const refused = empty.migrate({ migrations: MIGRATIONS, tables: TABLES })
    await expect(refused).rejects.toMatchObject({
      name: 'MigrationError',
      message: expect.stringContaining(said),
    })
    expect(await rowsOf(empty, all)).toEqual(before)
  },
)

it('the app’s tables are made in public, though the search path begins with the engine’s schema', async () => {
  await using empty = await openEmptyDatabase()
  // As for a role that is named as the schema is.
  const path = 'search_path = deputy, public'
  await run(empty, empty.url === undefined ? `set ${path}` : alterDatabase(empty.url, path))
  await empty.migrate({ migrations: MIGRATIONS, tables: TABLES })
  const made = `select tablename from pg_tables where schemaname = 'public' order by 1`
  expect(await rowsOf(empty, made)).toEqual([...TABLES].sort())
  expect(await compareTables(empty.database, declared)).toEqual([])
})

it('a role that may not create schemas is told what to do once, and starts after that', async () => {
  await using empty = await openEmptyDatabase()
  if (empty.url === undefined) return
  const role = `maker_${Math.random().toString(36).slice(2)}`
  await run(empty, `create role ${role} login; grant create on schema public to ${role}`)
  const url = new URL(empty.url)
  url.username = role
  const migrate = () => migratePostgres(url.href, { migrations: MIGRATIONS, tables: TABLES })
  try {
    for (const schema of ['deputy', 'drizzle']) {
      const message = await migrate().then(
        () => '',
        (error: Error) => error.message,
      )
      const [remedy] = /CREATE SCHEMA "\w+" AUTHORIZATION \w+/.exec(message) ?? []
      expect(remedy).toBe(`CREATE SCHEMA "${schema}" AUTHORIZATION ${role}`)
      expect(message).toContain(`The schema "${schema}" cannot be made`)
      await run(empty, remedy ?? '')
    }
    const { engine, app } = await migrate()
    expect([engine.applied, app.applied]).toEqual([[], readMigrations(MIGRATIONS).map(({ tag }) => tag)])
  } finally {
    await run(empty, `drop owned by ${role} cascade; drop role ${role}`)
  }
})

function alterDatabase(url: string, setting: string): string {
  return `alter database ${new URL(url).pathname.slice(1)} set ${setting}`
}
