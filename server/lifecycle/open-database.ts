import type { PgTable } from 'drizzle-orm/pg-core'
import { DefinitionError } from '../core/errors.ts'
import { compareGuarantees } from '../db/compare-guarantees.ts'
import { compareTables } from '../db/compare-tables.ts'
import type { Database } from '../db/database.ts'
import { findPooler, migrateAt, openAt } from '../db/database-address.ts'
import { type DatabaseReport, migrateEmbedded } from '../db/migrate.ts'
import type { PoolerMode } from '../db/pooler-mode.ts'

export interface DatabaseOptions {
  /** A PostgreSQL server; without it the embedded database is used. */
  readonly databaseUrl: string | undefined
  /** The same database without a pooler in transaction mode, for the migrations. @default none is known */
  readonly databaseDirectUrl?: string | undefined
  /** What is in front of it. @default auto: it is found out */
  readonly databasePooler?: PoolerMode | 'auto' | undefined
  /** Told what is in front of it, and again when that turns out to be wrong. @default does nothing */
  readonly onPooler?: (mode: PoolerMode) => void
  /** Where the embedded database keeps its data; undefined keeps it in memory. */
  readonly directory: string | undefined
  /** The folder of the app's migrations, as drizzle-kit wrote it. */
  readonly migrations: string
  /** The folder of the engine's migrations. @default the package's own */
  readonly engineMigrations?: string | undefined
  /** For how long a migration is tried again while others hold its tables, in milliseconds. @default two minutes */
  readonly lockPatienceMs?: number | undefined
  /** The collections' tables. */
  readonly tables: readonly string[]
  /** Tables as the server knows them, which are compared with the database column by column. @default none */
  readonly expected?: readonly PgTable[]
  /** Told of migrations that the database has and the server does not know. @default does nothing */
  readonly onUnknownMigrations?: (names: readonly string[]) => void
}

/**
 * Opens the database and brings its tables up to date.
 *
 * @throws {MigrationError} when a migration cannot be applied.
 * @throws {DefinitionError} when a table or a column is not as it is declared: its migration was not generated.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = await openMigrated(options)
  try {
    await checkTables(database, options.tables)
    if (options.expected) await checkDefinitions(database, options.expected, options.engineMigrations)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openMigrated(options: DatabaseOptions): Promise<Database> {
  const { databaseUrl, databaseDirectUrl, databasePooler, directory, onUnknownMigrations, ...migrating } =
    options
  const report = ({ engine, app }: DatabaseReport) => {
    const unknown = [...engine.unknown.map((name) => `${name} of the engine`), ...app.unknown]
    if (unknown.length > 0) onUnknownMigrations?.(unknown)
  }
  if (databaseUrl !== undefined) {
    const address = { url: databaseUrl, directUrl: databaseDirectUrl, pooler: databasePooler }
    const found = await findPooler(address)
    options.onPooler?.(found)
    report(await migrateAt(address, found, migrating))
    return openAt(address, found, { onPoolerFound: () => options.onPooler?.('transaction') })
  }
  // Imported where it is used: it is a whole database, and takes its memory.
  const { openPglite } = await import('../db/pglite.ts')
  const database = await openPglite(directory === undefined ? {} : { directory })
  try {
    report(await migrateEmbedded(database, migrating))
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

async function checkTables(database: Database, tables: readonly string[]): Promise<void> {
  const { rows } = await database.query({
    sql: 'select name from jsonb_array_elements_text($1::text::jsonb) as name where to_regclass(quote_ident(name)) is null',
    params: [JSON.stringify(tables)],
  })
  if (rows.length === 0) return
  throw new DefinitionError(
    `drizzle/collections.ts has collections without a table: ${rows.map(([name]) => name).join(', ')}. Run deputy generate, and commit the migration.`,
  )
}

async function checkDefinitions(
  database: Database,
  expected: readonly PgTable[],
  engineMigrations?: string,
): Promise<void> {
  const differences = [
    ...(await compareTables(database, expected)),
    ...(await compareGuarantees(database, engineMigrations)),
  ]
  if (differences.length === 0) return
  throw new DefinitionError(
    [
      'The database is not as drizzle/ declares it:',
      ...differences.map((difference) => `  - ${difference}`),
      'If a declaration was changed, run deputy generate and commit the migration. If the database was changed by hand, undo that, or write it into a migration: deputy generate --custom --name what_it_does.',
    ].join('\n'),
  )
}
