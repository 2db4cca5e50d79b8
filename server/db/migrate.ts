import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { engineSchema } from '../../drizzle/engine/schema.ts'
import { connectionOf, driverOptions } from './connection-string.ts'
import { HostChoice } from './host-choice.ts'
import { MigrationError } from './migration-error.ts'
import {
  applyMigrations,
  type MigrationReport,
  type MigrationSession,
  type MigrationSet,
  planMigrations,
} from './migrator.ts'
import type { PgliteDatabase } from './pglite.ts'

/** Any constant: servers that start together on one database queue up behind it. */
const MIGRATION_LOCK = 4_711_001

export interface MigrateOptions {
  /** The folder of the app's migrations, as drizzle-kit wrote it. */
  readonly migrations: string
  /** Tables that hold records; their pages keep room for new row versions beside the old. */
  readonly tables: readonly string[]
}

export interface DatabaseReport {
  readonly engine: MigrationReport
  readonly app: MigrationReport
}

const ENGINE: MigrationSet = {
  owner: 'engine',
  folder: fileURLToPath(new URL('../../drizzle/engine/migrations', import.meta.url)),
  journal: { schema: engineSchema.schemaName, table: 'migrations' },
}

const CURRENT_SCHEMA = `
  select (select path::text from unnest(current_schemas(false)) with ordinality as it (path, place)
    where path <> $1 order by place limit 1), current_setting('search_path')`

/** The table in which Drizzle's own migrator notes what it applied: a database that it migrated goes on. */
const APP_JOURNAL = { schema: 'drizzle', table: '__drizzle_migrations' }

/**
 * Applies the migrations that are missing, the engine's and then the app's, on a PostgreSQL server. Safe when several
 * servers start at once.
 *
 * @throws {MigrationError} when one cannot be applied.
 */
export async function migratePostgres(url: string, options: MigrateOptions): Promise<DatabaseReport> {
  const connection = await new HostChoice(connectionOf(url)).choose()
  const client = postgres({ ...driverOptions(connection), max: 1, onnotice: () => {} })
  const session: MigrationSession = {
    run: async (text) => void (await client.unsafe(text).simple()),
    query: async (text, params = []) => client.unsafe(text, [...params]).values(),
  }
  try {
    // A pooler may hand out a backend as another connection has set it.
    await client.unsafe('reset all')
    await checkSchema(session)
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`
    const report = await migrate(session, options)
    await client`select pg_advisory_unlock(${MIGRATION_LOCK})`
    return report
  } finally {
    await client.end({ timeout: 5 })
  }
}

/**
 * Applies the migrations that are missing, the engine's and then the app's, on the embedded database.
 *
 * @throws {MigrationError} when one cannot be applied.
 */
export async function migrateEmbedded(
  { engine }: PgliteDatabase,
  options: MigrateOptions,
): Promise<DatabaseReport> {
  const session: MigrationSession = {
    run: async (text) => void (await engine.exec(text)),
    query: async (text, params = []) =>
      (await engine.query<unknown[]>(text, [...params], { rowMode: 'array' })).rows,
  }
  await session.run('set default_transaction_read_only = off')
  try {
    return await migrate(session, options)
  } finally {
    await session.run('set default_transaction_read_only = on')
  }
}

/**
 * What drizzle-kit writes names the schema public in its foreign keys, and no schema elsewhere. A role that is named as
 * the engine's schema is has that first on its path; while the app's migrations are applied it is left out.
 */
async function checkSchema(session: MigrationSession): Promise<void> {
  const [row] = await session.query(CURRENT_SCHEMA, [engineSchema.schemaName])
  if (row?.[0] === 'public') return
  throw new MigrationError(
    row?.[0] === null
      ? `The role in DATABASE_URL has no schema that it may use in its search_path, which is ${row[1]}: collections are kept in the schema public. Create it, or grant USAGE and CREATE on it to the role.`
      : `The search_path of the role or the database in DATABASE_URL is ${row?.[1]}, by which tables would be made in the schema ${row?.[0]}: collections are kept in the schema public. Put public first, by alter role or alter database … set search_path = public; or use a database of their own.`,
  )
}

async function migrate(
  session: MigrationSession,
  { migrations, tables }: MigrateOptions,
): Promise<DatabaseReport> {
  // Both are looked at before either is applied: a database that does not fit stays as it is.
  const plans = {
    engine: await planMigrations(session, ENGINE),
    app: await planMigrations(session, {
      owner: 'app',
      folder: migrations,
      journal: APP_JOURNAL,
      hiddenSchema: engineSchema.schemaName,
    }),
  }
  const engine = await applyMigrations(session, plans.engine)
  const app = await applyMigrations(session, plans.app)
  await session.run(fillFactor(tables))
  return { engine, app }
}

/** drizzle-kit cannot express storage parameters, so they are set here, where they differ. */
function fillFactor(tables: readonly string[]): string {
  const names = tables.map((table) => `'${table.replaceAll("'", "''")}'`).join(', ') || 'null'
  return `do $$ declare t record; begin
    for t in select c.oid::regclass as name from pg_class c
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname in (${names})
        and not coalesce(c.reloptions, '{}') @> '{fillfactor=80}'
    loop execute format('alter table %s set (fillfactor = 80)', t.name); end loop;
  end $$`
}
