import { cp } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { openTestDatabase } from '../../server/testing/open-test-database.ts'
import { addMigration } from '../db/empty-database.ts'
import { temporaryDirectory } from '../support/guarded.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

it('gives each test a database of its own, the first one too, as the migrations leave it', async () => {
  const open = () => openTestDatabase({ migrations: MIGRATIONS, tables: TABLES }, undefined)
  const opened = await Promise.all([open(), open()])
  await opened[0]?.database.write({
    sql: `insert into users (record_id, created_at, updated_at) values ('ada', now(), now())`,
    params: [],
  })
  opened.push(await open())
  const query = async (sql: string) => {
    const answers = opened.map(({ database }) => database.query({ sql, params: [] }))
    return (await Promise.all(answers)).map(({ rows }) => rows[0]?.[0])
  }
  expect(await query('select count(*)::int from users')).toEqual([1, 0, 0])
  // What a session starts with, and what it has set by itself.
  for (const shown of [
    `select count(*)::int from pg_class where relnamespace = 'deputy'::regnamespace`,
    `select string_agg(name || '=' || setting, ' ' order by name) from pg_settings where source = 'session'`,
    'select session_user || current_user || current_schemas(true)::text',
    "select count(*)::int from pg_locks where locktype = 'advisory'",
    "select count(*)::int from pg_class where relpersistence = 't'",
  ]) {
    const [first, ...others] = await query(shown)
    expect(others, shown).toEqual([first, first])
  }
  await Promise.all(opened.map((each) => each[Symbol.asyncDispose]()))
})

it('opens after migrations that have left the session to a role that may do little', async () => {
  await using directory = await temporaryDirectory('migrations')
  await cp(MIGRATIONS, directory.path, { recursive: true })
  const role = `create role weak; grant usage on schema drizzle, deputy to weak;
    grant all on all tables in schema drizzle, deputy, public to weak;
    grant all on all sequences in schema drizzle, deputy to weak; set role weak`
  await addMigration(directory.path, '9999_role', role)
  for (let nth = 0; nth < 2; nth += 1) {
    await using opened = await openTestDatabase({ migrations: directory.path, tables: TABLES }, undefined)
    const { rows } = await opened.database.query({ sql: 'select current_user::text', params: [] })
    expect(rows).toEqual([['postgres']])
  }
})
