import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { connectionOf, driverOptions } from './connection-string.ts'
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

/** Applies the migrations that are missing, on a PostgreSQL server. Safe when several servers start at once. */
export async function migratePostgres(url: string, options: MigrateOptions): Promise<void> {
  const client = postgres({ ...driverOptions(connectionOf(url)), max: 1, onnotice: () => {} })
  try {
    // A pooler may hand out a backend as another connection has set it.
    await client.unsafe('reset all')
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`
    await migrate(drizzle(client), { migrationsFolder: options.folder ?? MIGRATIONS })
    await client.unsafe(fillFactor(options.tables))
    await client`select pg_advisory_unlock(${MIGRATION_LOCK})`
  } finally {
    await client.end({ timeout: 5 })
  }
}

/** Applies the migrations that are missing, on the embedded database. */
export async function migrateEmbedded(database: PgliteDatabase, options: MigrateOptions): Promise<void> {
  // They import the embedded database itself.
  const [{ drizzle }, { migrate }] = await Promise.all([
    import('drizzle-orm/pglite'),
    import('drizzle-orm/pglite/migrator'),
  ])
  await database.engine.exec('set default_transaction_read_only = off')
  await migrate(drizzle(database.engine), { migrationsFolder: options.folder ?? MIGRATIONS })
  await database.engine.exec(fillFactor(options.tables))
  await database.engine.exec('set default_transaction_read_only = on')
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
