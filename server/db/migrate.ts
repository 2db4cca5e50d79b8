import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { engineSchema } from '../../drizzle/engine/schema.ts'
import { connectionOf, driverOptions } from './connection-string.ts'
import { HostChoice } from './host-choice.ts'
import { refuseNewer, refuseWithoutRights } from './migration-checks.ts'
import { MigrationError } from './migration-error.ts'
import { type MigrationSession, type MigrationSet, migrationName } from './migration-set.ts'
import { applyMigrations, type MigrationReport, planMigrations } from './migrator.ts'
import type { PgliteDatabase } from './pglite.ts'

/** Any constant: servers that start together on one database queue up behind it. */
const MIGRATION_LOCK = 4_711_001

export interface MigrateOptions {
  /** The folder of the app's migrations, as drizzle-kit wrote it. */
  readonly migrations: string
  /** Tables that hold records; their pages keep room for new row versions beside the old. */
  readonly tables: readonly string[]
  /** The folder of the engine's migrations. @default the package's own */
  readonly engineMigrations?: string | undefined
  /** For how long a migration is tried again while others hold its tables, in milliseconds. @default two minutes */
  readonly lockPatienceMs?: number | undefined
}

export interface DatabaseReport {
  readonly engine: MigrationReport
  readonly app: MigrationReport
}

const LOCK_PATIENCE_MS = 120_000

/** The folder of the engine's migrations. */
export const ENGINE_MIGRATIONS = fileURLToPath(new URL('../../drizzle/engine/migrations', import.meta.url))

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
export function migratePostgres(url: string, options: MigrateOptions): Promise<DatabaseReport> {
  return withMigrationSession(url, async (session) => {
    await checkSchema(session)
    return underLock(session, () => migrate(session, options))
  })
}

/**
 * Names the migrations that a PostgreSQL server lacks, and changes nothing.
 *
 * @throws {MigrationError} where the database does not fit to the files.
 */
export function findPendingMigrations(url: string, options: MigrateOptions): Promise<readonly string[]> {
  return withMigrationSession(url, async (session) => {
    await checkSchema(session)
    return findPending(session, options)
  })
}

/**
 * Names the migrations that the embedded database lacks, and changes nothing.
 *
 * @throws {MigrationError} where the database does not fit to the files.
 */
export function findPendingEmbedded(
  { engine }: PgliteDatabase,
  options: MigrateOptions,
): Promise<readonly string[]> {
  return findPending(embeddedSession(engine), options)
}

async function findPending(session: MigrationSession, options: MigrateOptions): Promise<readonly string[]> {
  const plans = [
    await planMigrations(session, engineSet(options)),
    await planMigrations(session, appSet(options)),
  ]
  for (const plan of plans) refuseNewer(plan)
  return plans.flatMap(({ set, pending }) => pending.map(({ tag }) => migrationName(set, tag)))
}

async function withMigrationSession<T>(
  url: string,
  use: (session: MigrationSession) => Promise<T>,
): Promise<T> {
  const connection = await new HostChoice(connectionOf(url)).choose()
  const client = postgres({ ...driverOptions(connection), max: 1, onnotice: () => {} })
  try {
    // A pooler may hand out a backend as another connection has set it. A migration, and the wait for those of another
    // server, take as long as they take.
    await client.unsafe('reset all; set statement_timeout = 0; set lock_timeout = 0').simple()
    return await use({
      run: async (text) => void (await client.unsafe(text).simple()),
      query: async (text, params = []) => client.unsafe(text, [...params]).values(),
    })
  } finally {
    // Behind a pooler another connection is handed the backend.
    await client
      .unsafe('reset all')
      .simple()
      .catch(() => {})
    await client.end({ timeout: 5 })
  }
}

/** Gives the lock back, though it fails: behind a pooler another connection is handed the backend. */
async function underLock<T>(session: MigrationSession, run: () => Promise<T>): Promise<T> {
  await session.query(`select pg_advisory_lock(${MIGRATION_LOCK})`)
  try {
    return await run()
  } finally {
    await session.run('select pg_advisory_unlock_all()').catch(() => {})
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
  const session = embeddedSession(engine)
  await session.run('set default_transaction_read_only = off')
  try {
    return await migrate(session, options)
  } finally {
    await session.run('set default_transaction_read_only = on')
  }
}

function embeddedSession(engine: PgliteDatabase['engine']): MigrationSession {
  return {
    run: async (text) => void (await engine.exec(text)),
    query: async (text, params = []) =>
      (await engine.query<unknown[]>(text, [...params], { rowMode: 'array' })).rows,
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

async function migrate(session: MigrationSession, options: MigrateOptions): Promise<DatabaseReport> {
  // Both are looked at before either is applied: a database that does not fit stays as it is.
  const engine = await planMigrations(session, engineSet(options))
  const app = await planMigrations(session, appSet(options))
  for (const plan of [engine, app]) refuseNewer(plan)
  await refuseWithoutRights(session, [engine, app])
  const applying = { lockPatienceMs: options.lockPatienceMs ?? LOCK_PATIENCE_MS }
  const report = {
    engine: await applyMigrations(session, engine, applying),
    app: await applyMigrations(session, app, applying),
  }
  await setFillFactor(session, options.tables)
  return report
}

function engineSet({ engineMigrations = ENGINE_MIGRATIONS }: MigrateOptions): MigrationSet {
  const journal = { schema: engineSchema.schemaName, table: 'migrations' }
  return { owner: 'engine', folder: engineMigrations, journal }
}

function appSet({ migrations }: MigrateOptions): MigrationSet {
  return { owner: 'app', folder: migrations, journal: APP_JOURNAL, hiddenSchema: engineSchema.schemaName }
}

/** Of the tables that differ, those that the role may alter: one that only serves leaves it to the one that migrates. */
const WITHOUT_FILL_FACTOR = `
  select c.oid::regclass::text from pg_class c
  where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
    and c.relname in (select * from jsonb_array_elements_text($1::text::jsonb))
    and not coalesce(c.reloptions, '{}') @> '{fillfactor=80}' and pg_has_role(c.relowner, 'USAGE')`

/** drizzle-kit cannot express storage parameters, so they are set here, where they differ. */
async function setFillFactor(session: MigrationSession, tables: readonly string[]): Promise<void> {
  const found = await session.query(WITHOUT_FILL_FACTOR, [JSON.stringify(tables)])
  for (const [name] of found) await session.run(`alter table ${name} set (fillfactor = 80)`)
}
