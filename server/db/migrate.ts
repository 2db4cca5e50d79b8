import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { engineSchema } from '../../drizzle/engine/schema.ts'
import { connectionOf, driverOptions } from './connection-string.ts'
import type { Database } from './database.ts'
import { HostChoice } from './host-choice.ts'
import { refuseNewer, refuseWithoutRights } from './migration-checks.ts'
import { MigrationError } from './migration-error.ts'
import { type MigrationSession, type MigrationSet, migrationName } from './migration-set.ts'
import { inTurn } from './migration-turn.ts'
import { applyMigrations, type MigrationPlan, type MigrationReport, planMigrations } from './migrator.ts'
import type { PgliteDatabase } from './pglite.ts'

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
  return withSession(url, MIGRATING, (session) => migrate(session, options, checkSchema))
}

/**
 * Names the migrations that a PostgreSQL server lacks, and changes nothing, neither in a session that a pooler gives to
 * others.
 *
 * @throws {MigrationError} where the database does not fit to the files.
 */
export async function findPendingMigrations(
  url: string,
  options: MigrateOptions,
): Promise<readonly string[]> {
  return pendingOf(await readPlans(url, options))
}

/**
 * Looks at the migrations of a PostgreSQL server through a pooler in transaction mode, and applies none.
 *
 * @throws {MigrationError} when one is missing.
 */
export async function readMigrationReport(url: string, options: MigrateOptions): Promise<DatabaseReport> {
  const plans = await readPlans(url, options)
  const pending = pendingOf(plans)
  if (pending.length > 0)
    throw new MigrationError(
      `The database lacks ${pending.join(', ')}, and DATABASE_URL leads to a pooler in transaction mode, through which no migration is applied: the lock of those who migrate needs a session. Set DATABASE_DIRECT_URL to the address of the database itself, or of a pooler in session mode, and start again.`,
    )
  const [engine, app] = plans.map(({ unknown }) => ({
    applied: [],
    unknown: unknown.map(({ name }) => name),
  }))
  if (!engine || !app) throw new Error('There are two sets of migrations')
  return { engine, app }
}

function readPlans(url: string, options: MigrateOptions): Promise<readonly MigrationPlan[]> {
  const begin = `begin isolation level repeatable read read only; set local statement_timeout = 0; set local search_path to default`
  return withSession(url, { begin, end: 'rollback' }, async (session) => {
    await checkSchema(session)
    return planBoth(session, options)
  })
}

/**
 * Names the migrations that the embedded database lacks, and changes nothing.
 *
 * @throws {MigrationError} where the database does not fit to the files.
 */
export function findPendingEmbedded(
  database: Pick<Database, 'query'>,
  options: MigrateOptions,
): Promise<readonly string[]> {
  // Each statement for itself, as a server that is at work has room for it.
  const session: MigrationSession = {
    run: () => Promise.reject(new Error('Migrations are looked at, and nothing is changed.')),
    query: async (sql, params = []) => (await database.query({ sql, params })).rows,
  }
  return planBoth(session, options).then(pendingOf)
}

async function planBoth(
  session: MigrationSession,
  options: MigrateOptions,
): Promise<readonly MigrationPlan[]> {
  const plans = [
    await planMigrations(session, engineSet(options)),
    await planMigrations(session, appSet(options)),
  ]
  for (const plan of plans) refuseNewer(plan)
  return plans
}

function pendingOf(plans: readonly MigrationPlan[]): readonly string[] {
  return plans.flatMap(({ set, pending }) => pending.map(({ tag }) => migrationName(set, tag)))
}

interface SessionBounds {
  readonly begin: string
  readonly end: string
}

/** Files of the app may set what others would be handed. */
const MIGRATING: SessionBounds = { begin: 'reset all', end: 'reset all' }

async function withSession<T>(
  url: string,
  { begin, end }: SessionBounds,
  use: (session: MigrationSession) => Promise<T>,
): Promise<T> {
  const connection = await new HostChoice(connectionOf(url)).choose()
  const client = postgres({ ...driverOptions(connection), max: 1, onnotice: () => {} })
  try {
    await client.unsafe(begin).simple()
    return await use({
      run: async (text) => void (await client.unsafe(text).simple()),
      query: async (text, params = []) => client.unsafe(text, [...params]).values(),
    })
  } finally {
    await client
      .unsafe(end)
      .simple()
      .catch(() => {})
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

async function migrate(
  session: MigrationSession,
  options: MigrateOptions,
  prepare: (session: MigrationSession) => Promise<void> = async () => {},
): Promise<DatabaseReport> {
  await inTurn(session, async () => {
    await prepare(session)
    // Both are looked at before either is applied: a database that does not fit stays as it is.
    await refuseWithoutRights(session, await planBoth(session, options))
  })
  const applying = { lockPatienceMs: options.lockPatienceMs ?? LOCK_PATIENCE_MS, check: refuseNewer }
  const report = {
    engine: await applyMigrations(session, engineSet(options), applying),
    app: await applyMigrations(session, appSet(options), applying),
  }
  await inTurn(session, () => setFillFactor(session, options.tables))
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
