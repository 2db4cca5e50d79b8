import type { Database } from './db/database.ts'
import { migrateEmbedded, migratePostgres } from './db/migrate.ts'
import { openPglite } from './db/pglite.ts'
import { openPostgres } from './db/postgres.ts'

export interface DatabaseOptions {
  /** A PostgreSQL server; without it the embedded database is used. */
  readonly databaseUrl: string | undefined
  /** Where the embedded database keeps its data; undefined keeps it in memory. */
  readonly directory: string | undefined
  /** The collections' tables. */
  readonly tables: readonly string[]
}

/** Opens the database and brings its tables up to date. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { databaseUrl, directory, tables } = options
  if (databaseUrl !== undefined) {
    await migratePostgres(databaseUrl, { tables })
    return openPostgres({ url: databaseUrl })
  }
  const database = await openPglite(directory === undefined ? {} : { directory })
  try {
    await migrateEmbedded(database, { tables })
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}
