import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { connectionOf, driverOptions } from './connection-string.ts'
import { MigrationError } from './migration-error.ts'
import { applyMigrations, type MigrationReport, type MigrationSession } from './migrator.ts'
import type { PgliteDatabase } from './pglite.ts'

const MIGRATIONS = fileURLToPath(new URL('../../drizzle/migrations', import.meta.url))
/** Any constant: servers that start together on one database queue up behind it. */
const MIGRATION_LOCK = 4_711_001

export interface MigrateOptions {
  /** The folder that drizzle-kit wrote. @default the project's `drizzle/migrations` */
  readonly folder?: string
  /** Tables that hold records; their pages keep room for new row versions beside the old. */
  readonly tables: readonly string[]
}

/** The table in which Drizzle's own migrator notes what it applied: a database that it migrated goes on. */
const JOURNAL = { schema: 'drizzle', table: '__drizzle_migrations' }

/**
 * Applies the migrations that are missing, on a PostgreSQL server. Safe when several servers start at once.
 *
 * @throws {MigrationError} when one cannot be applied.
 */
export async function migratePostgres(url: string, options: MigrateOptions): Promise<MigrationReport> {
  const client = postgres({ ...driverOptions(connectionOf(url)), max: 1, onnotice: () => {} })
  const session: MigrationSession = {
    run: async (text) => void (await client.unsafe(text).simple()),
    query: async (text, params = []) => client.unsafe(text, [...params]).values(),
  }
  try {
    // A pooler may hand out a backend as another connection has set it.
    await client.unsafe('reset all')
    await checkSchema(session)
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`
    const report = await applyMigrations(session, { folder: options.folder ?? MIGRATIONS, journal: JOURNAL })
    await session.run(fillFactor(options.tables))
    await client`select pg_advisory_unlock(${MIGRATION_LOCK})`
    return report
  } finally {
    await client.end({ timeout: 5 })
  }
}

/** Applies the migrations that are missing, on the embedded database. @throws {MigrationError} when one cannot be applied */
export async function migrateEmbedded(
  { engine }: PgliteDatabase,
  options: MigrateOptions,
): Promise<MigrationReport> {
  const session: MigrationSession = {
    run: async (text) => void (await engine.exec(text)),
    query: async (text, params = []) =>
      (await engine.query<unknown[]>(text, [...params], { rowMode: 'array' })).rows,
  }
  await session.run('set default_transaction_read_only = off')
  try {
    const report = await applyMigrations(session, { folder: options.folder ?? MIGRATIONS, journal: JOURNAL })
    await session.run(fillFactor(options.tables))
    return report
  } finally {
    await session.run('set default_transaction_read_only = on')
  }
}

/** What drizzle-kit writes names the schema public in its foreign keys, and no schema elsewhere. */
async function checkSchema(session: MigrationSession): Promise<void> {
  const [row] = await session.query("select current_schema()::text, current_setting('search_path')")
  if (row?.[0] === 'public') return
  throw new MigrationError(
    row?.[0] === null
      ? `The role in DATABASE_URL has no schema that it may use in its search_path, which is ${row[1]}: collections are kept in the schema public. Create it, or grant USAGE and CREATE on it to the role.`
      : `The search_path of the role or the database in DATABASE_URL is ${row?.[1]}, by which tables would be made in the schema ${row?.[0]}: collections are kept in the schema public. Put public first, by alter role or alter database … set search_path = public; or use a database of their own.`,
  )
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
