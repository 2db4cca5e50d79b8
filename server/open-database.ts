import type { Database } from './db/database.ts'
import { migrateEmbedded, migratePostgres } from './db/migrate.ts'
import { refuseUnsuitablePooler, UnsuitablePooler } from './db/pooler-mode.ts'
import { openPostgres } from './db/postgres.ts'
import { DefinitionError } from './errors.ts'

export interface DatabaseOptions {
  /** A PostgreSQL server; without it the embedded database is used. */
  readonly databaseUrl: string | undefined
  /** Where the embedded database keeps its data; undefined keeps it in memory. */
  readonly directory: string | undefined
  /** The collections' tables. */
  readonly tables: readonly string[]
}

/**
 * Opens the database and brings its tables up to date.
 *
 * @throws {DefinitionError} when a collection has no table: its migration was not generated.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = await openMigrated(options)
  try {
    await checkTables(database, options.tables)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openMigrated({ databaseUrl, directory, tables }: DatabaseOptions): Promise<Database> {
  if (databaseUrl !== undefined) {
    await checkPooler(databaseUrl)
    await migratePostgres(databaseUrl, { tables })
    return openPostgres({ url: databaseUrl })
  }
  // Imported where it is used: it is a whole database, and takes its memory.
  const { openPglite } = await import('./db/pglite.ts')
  const database = await openPglite(directory === undefined ? {} : { directory })
  try {
    await migrateEmbedded(database, { tables })
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** What else keeps a database from being reached is told by the migrations, which come next. */
async function checkPooler(databaseUrl: string): Promise<void> {
  const database = openPostgres({ url: databaseUrl, max: 2 })
  try {
    await refuseUnsuitablePooler(() => database.acquire())
  } catch (error) {
    if (error instanceof UnsuitablePooler) throw error
  } finally {
    await database.close()
  }
}

async function checkTables(database: Database, tables: readonly string[]): Promise<void> {
  const { rows } = await database.query({
    sql: 'select name from jsonb_array_elements_text($1::text::jsonb) as name where to_regclass(quote_ident(name)) is null',
    params: [JSON.stringify(tables)],
  })
  if (rows.length === 0) return
  throw new DefinitionError(
    `drizzle/collections.ts has collections without a table: ${rows.map(([name]) => name).join(', ')}. Run npm run db:generate, and commit the migration.`,
  )
}
