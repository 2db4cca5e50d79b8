import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { migrate as migratePostgresJs } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { SAFE_MARK } from '../../server/db/migration-folder.ts'
import type { PgliteDatabase } from '../../server/db/pglite.ts'
import { execute } from '../support/execute.ts'
import {
  type EmptyDatabase,
  migrationsFolder,
  openEmptyDatabase,
  type WrittenMigration,
} from './empty-database.ts'

const BASE: WrittenMigration = {
  tag: '0000_base',
  when: 1_000,
  sql: "create table notes (id text primary key);\n--> statement-breakpoint\ninsert into notes values ('a'); insert into notes values ('b');",
}
/** Drizzle's own migrator takes one statement at a time on the embedded database. */
const PLAIN: WrittenMigration = { ...BASE, sql: 'create table notes (id text primary key);' }
const TITLE: WrittenMigration = {
  tag: '0001_title',
  when: 2_000,
  sql: 'alter table notes add column title text;',
}
const COLOR: WrittenMigration = {
  tag: '0001_color',
  when: 3_000,
  sql: 'alter table notes add column color text;',
}

async function columnsOf({ database }: EmptyDatabase): Promise<string[]> {
  const { rows } = await database.query({
    sql: `select attname::text from pg_attribute where attrelid = to_regclass('notes') and attnum > 0 order by attname`,
    params: [],
  })
  return rows.map(([name]) => String(name))
}

/** Migrates as Drizzle does, as a server before this one did. */
async function migrateByDrizzle({ database, url }: EmptyDatabase, migrationsFolder: string): Promise<void> {
  if (url !== undefined) {
    const client = postgres(url, { max: 1, onnotice: () => {} })
    return migratePostgresJs(drizzlePostgres(client), { migrationsFolder }).finally(() => client.end())
  }
  const { engine } = database as PgliteDatabase // Without a URL it is the embedded one.
  return migratePglite(drizzlePglite(engine), { migrationsFolder })
}

describe('migrations are applied by what they are', () => {
  it.each([
    ['the older stamp is merged later', [BASE, COLOR], [BASE, TITLE, COLOR]],
    ['the newer stamp is merged later', [BASE, TITLE], [BASE, TITLE, COLOR]],
    ['the older stamp is put behind', [BASE, COLOR], [BASE, COLOR, TITLE]],
  ])('two branches, where %s', async (_what, before, after) => {
    await using empty = await openEmptyDatabase()
    await using written = await migrationsFolder()
    await written.write(before)
    const options = { migrations: written.folder, tables: [] }
    expect((await empty.migrate(options)).applied).toEqual(before.map(({ tag }) => tag))
    await written.write(after)
    const { applied } = await empty.migrate(options)
    expect(applied).toEqual(after.filter((migration) => !before.includes(migration)).map(({ tag }) => tag))
    expect(await columnsOf(empty)).toEqual(['color', 'id', 'title'])
    expect(await empty.migrate(options)).toEqual({ applied: [], unknown: [] })
  })

  it('a database that Drizzle has migrated goes on, and what Drizzle skipped is applied', async () => {
    await using empty = await openEmptyDatabase()
    await using written = await migrationsFolder()
    await written.write([PLAIN, { ...COLOR, when: 9_000 }])
    await migrateByDrizzle(empty, written.folder)
    await written.write([PLAIN, TITLE, { ...COLOR, when: 9_000 }])
    await migrateByDrizzle(empty, written.folder)
    expect(await columnsOf(empty)).toEqual(['color', 'id'])
    expect(await empty.migrate({ migrations: written.folder, tables: [] })).toEqual({
      applied: [TITLE.tag],
      unknown: [],
    })
    expect(await columnsOf(empty)).toEqual(['color', 'id', 'title'])
    const { rows } = await empty.database.query({
      sql: 'select tag from drizzle.__drizzle_migrations order by tag',
      params: [],
    })
    expect(rows.flat()).toEqual([BASE.tag, COLOR.tag, TITLE.tag])
  })

  it('a file that was changed after it was applied is refused by its name, whoever applied it', async () => {
    for (const isByDrizzle of [true, false]) {
      await using empty = await openEmptyDatabase()
      await using written = await migrationsFolder()
      const options = { migrations: written.folder, tables: [] }
      await written.write([PLAIN, TITLE])
      if (isByDrizzle) await migrateByDrizzle(empty, written.folder)
      else await empty.migrate(options)
      await written.write([PLAIN, { ...TITLE, sql: `${TITLE.sql} -- changed` }])
      await expect(empty.migrate(options)).rejects.toThrow(
        'Migration 0001_title.sql was applied with another content',
      )
    }
  })

  it('line ends that a checkout changes are no change', async () => {
    await using empty = await openEmptyDatabase()
    await using written = await migrationsFolder()
    const options = { migrations: written.folder, tables: [] }
    await written.write([BASE])
    await empty.migrate(options)
    await written.write([{ ...BASE, sql: BASE.sql.replaceAll('\n', '\r\n') }])
    expect((await empty.migrate(options)).applied).toEqual([])
  })

  it('what the database has and the folder has not is refused by name, and what is not there yet is not applied', async () => {
    await using empty = await openEmptyDatabase()
    await using written = await migrationsFolder()
    const options = { migrations: written.folder, tables: [] }
    await written.write([BASE, TITLE])
    await empty.migrate(options)
    await written.write([BASE, COLOR])
    await expect(empty.migrate(options)).rejects.toThrow(
      /^The database has migrations that .* has not, and that are not marked as safe for older servers: 0001_title\. Start the version of the app/,
    )
    expect(await columnsOf(empty)).toEqual(['id', 'title'])
  })

  it('one that is marked as safe for older servers is told, and they go on', async () => {
    await using empty = await openEmptyDatabase()
    await using written = await migrationsFolder()
    const options = { migrations: written.folder, tables: [] }
    await written.write([BASE, { ...TITLE, sql: `${SAFE_MARK}\r\n${TITLE.sql}` }])
    await empty.migrate(options)
    await written.write([BASE, COLOR])
    expect(await empty.migrate(options)).toEqual({ applied: [COLOR.tag], unknown: [TITLE.tag] })
    expect(await columnsOf(empty)).toEqual(['color', 'id', 'title'])
  })

  it('the mark is a line of its own', async () => {
    await using empty = await openEmptyDatabase()
    await using written = await migrationsFolder()
    const options = { migrations: written.folder, tables: [] }
    const unmarked = `${TITLE.sql} ${SAFE_MARK}\n${SAFE_MARK} not\n`
    await written.write([BASE, { ...TITLE, sql: unmarked }])
    await empty.migrate(options)
    await written.write([BASE])
    await expect(empty.migrate(options)).rejects.toThrow('0001_title')
  })

  it('a journal that does not fit the files is refused by name', async () => {
    await using empty = await openEmptyDatabase()
    await using written = await migrationsFolder()
    const options = { migrations: written.folder, tables: [] }
    await written.write([BASE])
    await writeFile(join(written.folder, '0001_lost.sql'), 'select 1')
    await expect(empty.migrate(options)).rejects.toThrow('does not name 0001_lost.sql')
    await written.write([BASE, BASE])
    await expect(empty.migrate(options)).rejects.toThrow('names 0000_base twice')
    const journal = join(written.folder, 'meta', '_journal.json')
    await writeFile(journal, `<<<<<<< HEAD\n${await readFile(journal, 'utf8')}`)
    await expect(empty.migrate(options)).rejects.toThrow('is no journal of drizzle-kit')
  })
})

/** What goes wrong most, and what is said of it. */
const FAULTS: readonly (readonly [what: string, sql: string, reason: RegExp, remedy: RegExp])[] = [
  [
    'a NOT NULL column on rows that exist',
    'alter table notes add column size integer not null',
    /contains null values/,
    /there are rows already/,
  ],
  [
    'a unique constraint that rows break',
    "alter table notes add column a text default 'x', add constraint same unique (a)",
    /could not create unique index/,
    /rows that exist have the same/,
  ],
  [
    'an enum value in the file that adds it',
    "create type mood as enum ('a'); commit; begin; alter type mood add value 'b'; select 'b'::mood",
    /unsafe use of new value/,
    /migration of its own/,
  ],
  [
    'an index made concurrently',
    'create index concurrently notes_idx on notes (id)',
    /cannot run inside a transaction block/,
    /without it/,
  ],
  [
    'a schema that is missing',
    'create table nowhere.notes (id text)',
    /schema "nowhere" does not exist/,
    /create the schema first/,
  ],
  [
    'an extension that is missing',
    'create extension no_such_extension',
    /no_such_extension/,
    /Install it there/,
  ],
  ['a column that exists', 'alter table notes add column id text', /already exists/, /exists already/],
  ['a table that is missing', 'alter table missing add column id text', /does not exist/, /it is not there/],
  [
    'a type that cannot be converted',
    'alter table notes alter column id type integer',
    /cannot be cast automatically/,
    /Add USING/,
  ],
  [
    'a value that cannot be converted',
    'alter table notes alter column id type integer using id::integer',
    /invalid input syntax for type integer: "…" \(/,
    /a value that exists does not fit/,
  ],
  [
    'a value that is too long',
    'alter table notes add column t text default 6e9; alter table notes alter column t type integer using t::integer',
    /value "…" is out of range for type integer \(/,
    /a value that exists does not fit/,
  ],
  [
    'a foreign key that rows break',
    'create table other (id text primary key); alter table notes add constraint to_other foreign key (id) references other',
    /violates foreign key constraint "to_other".*\n {2}Detail: Key \(id\)=\(…\) is not present in table "other"\./,
    /rows that exist break the constraint/,
  ],
  [
    'a check that rows break',
    "alter table notes add constraint last check (id = 'z')",
    /check constraint "last"/,
    /rows that exist break the constraint/,
  ],
  [
    'an exclusion that rows break',
    'alter table notes add column n int default 7, add constraint apart exclude using btree (n with =)',
    /could not create exclusion constraint/,
    /rows that exist break the constraint/,
  ],
  [
    'a right that the role has not',
    'create role deputy_test_nobody; grant usage on schema public to deputy_test_nobody; set local role deputy_test_nobody; alter table notes add column x text',
    /must be owner of table notes/,
    /lacks the right/,
  ],
  [
    'a type that is missing',
    'alter table notes add column x no_such_type',
    /type "no_such_type" does not exist/,
    /CREATE TYPE or CREATE EXTENSION before it/,
  ],
  ['a table that exists', 'create table notes (id text)', /already exists/, /exists already/],
  ['a schema that exists', 'create schema drizzle', /already exists/, /exists already/],
  [
    'a type that exists',
    "create type mood as enum ('a'); create type mood as enum ('b')",
    /already exists/,
    /exists already/,
  ],
  ['a column that is missing', 'alter table notes drop column nothing', /does not exist/, /it is not there/],
  [
    'what needs a session without a transaction',
    'vacuum notes',
    /cannot run inside a transaction block/,
    /Do it by hand before/,
  ],
  [
    'a table that somebody else holds',
    "do $$ begin raise lock_not_available using message = 'held'; end $$",
    /held/,
    /start again when the table is free/,
  ],
]

describe('a migration that fails', () => {
  it.each(FAULTS)(
    'says the file, the statement, the reason and what to do: %s',
    async (_what, sql, reason, remedy) => {
      await using empty = await openEmptyDatabase()
      await using written = await migrationsFolder()
      const options = { migrations: written.folder, tables: [], lockPatienceMs: 0 }
      const bad = `create table first (id text);\n--> statement-breakpoint\n\n${sql};`
      await written.write([BASE, { tag: '0001_bad', when: 5_000, sql: bad }])
      const failed = await empty.migrate(options).then(
        () => '',
        (error: Error) => error.message,
      )
      expect(failed).toMatch(/^Migration 0001_bad\.sql failed in line 4, and nothing of it was kept: /)
      expect(failed).toMatch(reason)
      expect(failed).toMatch(/SQLSTATE [\dA-Z]{5}/)
      expect(failed).toContain(`Statement: ${sql}`)
      expect(failed).toMatch(remedy)
      expect(failed).not.toMatch(/=\((?!…)|Failing row/)
      expect(failed).not.toMatch(/^ +at /m)
      const { rows } = await empty.database.query({
        sql: `select to_regclass('notes') is not null, to_regclass('first') is null, (select count(*) from drizzle.__drizzle_migrations)`,
        params: [],
      })
      if (!sql.includes('commit')) expect(rows[0]?.map(String)).toEqual(['true', 'true', '1'])
      // It goes on from there once the file is mended.
      if (sql.includes('commit')) return
      await written.write([BASE, { tag: '0001_bad', when: 5_000, sql: 'create table first (id text)' }])
      expect((await empty.migrate(options)).applied).toEqual(['0001_bad'])
    },
  )

  it('shows no values of records', async () => {
    const failing = [
      [
        'alter table notes add column size integer; alter table notes alter column size set not null',
        '23502',
      ],
      ['insert into notes select id from notes', '23505'],
      ['create unique index one on notes ((length(id)))', '23505'],
      ['alter table notes add constraint short check (length(id) < 3)', '23514'],
      ['update notes set id = null', '23502'],
      ['alter table notes alter column id type uuid using id::uuid', '22P02'],
      ['alter table notes alter column id type date using id::date', '22007'],
      ['alter table notes alter column id type jsonb using id::jsonb', '22P02'],
      ["alter table notes alter column id type int[] using ('{' || id || '}')::int[]", '22P02'],
    ] as const
    await using empty = await openEmptyDatabase()
    await using written = await migrationsFolder()
    const filled =
      "create table notes (id text primary key); insert into notes values ('private)1'), ('private)2');"
    for (const [sql, code] of failing) {
      await written.write([
        { ...BASE, sql: filled },
        { tag: '0001_bad', when: 5_000, sql },
      ])
      const failed = await empty.migrate({ migrations: written.folder, tables: [] }).then(
        () => '',
        (error: Error) => error.message,
      )
      expect(failed).toContain(`SQLSTATE ${code}`)
      expect(failed).not.toMatch(/private|\b9\b/)
    }
  })

  it('that was merged before one that is applied says where it stands', async () => {
    await using empty = await openEmptyDatabase()
    await using written = await migrationsFolder()
    await written.write([BASE, COLOR])
    await empty.migrate({ migrations: written.folder, tables: [] })
    const clash = { ...TITLE, sql: 'alter table notes add column color text;' }
    await written.write([BASE, clash, COLOR])
    await expect(empty.migrate({ migrations: written.folder, tables: [] })).rejects.toThrow(
      'It comes before 0001_color in the journal, which was applied before it',
    )
  })
})

it.each([
  [
    'create schema app; alter database DB set search_path = app',
    /is app, by which tables would be made in the schema app/,
  ],
  ['create schema app; alter database DB set search_path = app, public', /Put public first/],
  [
    'alter database DB set search_path = nowhere',
    /no schema that it may use in its search_path, which is nowhere/,
  ],
])('another schema than public is refused: %s', async (sql, says) => {
  await using empty = await openEmptyDatabase()
  if (empty.url === undefined) return
  await using written = await migrationsFolder()
  await written.write([BASE])
  await execute(empty.database, empty.url, sql.replace('DB', new URL(empty.url).pathname.slice(1)))
  await expect(empty.migrate({ migrations: written.folder, tables: [] })).rejects.toThrow(says)
})

it('a role that may not make anything starts where there is nothing to apply', async () => {
  await using empty = await openEmptyDatabase()
  if (empty.url === undefined) return
  await using written = await migrationsFolder()
  const options = { migrations: written.folder, tables: [] }
  await written.write([])
  await empty.migrate(options)
  await written.write([BASE])
  await migrateByDrizzle(empty, written.folder)
  const role = `reader_${Math.random().toString(36).slice(2)}`
  await execute(
    empty.database,
    empty.url,
    `create role ${role} login; grant usage on schema drizzle, deputy to ${role};
     grant select on drizzle.__drizzle_migrations, deputy.migrations to ${role}`,
  )
  const url = new URL(empty.url)
  url.username = role
  const { migratePostgres } = await import('../../server/db/migrate.ts')
  try {
    const nothing = { applied: [], unknown: [] }
    expect(await migratePostgres(url.href, options)).toEqual({ engine: nothing, app: nothing })
    await written.write([BASE, TITLE])
    await expect(migratePostgres(url.href, options)).rejects.toThrow(
      `The database lacks 0001_title, and the role ${role} in DATABASE_URL may not apply migrations. Run deputy migrate`,
    )
  } finally {
    await execute(empty.database, empty.url, `drop owned by ${role}; drop role ${role}`)
  }
})
