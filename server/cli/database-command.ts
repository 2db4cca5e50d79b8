import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, SqlError } from '../db/database.ts'
import { type DatabaseEnv, loadDotEnv, readDatabaseEnv } from '../env/environment.ts'
import { CommandError } from './command-error.ts'

/** What an SQLSTATE means to the person who gave a command. */
export type SqlFaults = ReadonlyMap<string, string>

/** Runs what a command does on the database itself: who can run it has all rights on it. */
export async function withDatabase<T>(
  faults: SqlFaults,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  loadDotEnv()
  const database = await open(readDatabaseEnv())
  try {
    return await use(database)
  } catch (error) {
    const told = error instanceof SqlError ? faults.get(error.sqlstate) : undefined
    throw told === undefined ? error : new CommandError(told)
  } finally {
    await database.close()
  }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Opens the database as it is: its tables are the server's to make. */
async function open({ databaseUrl, dataDir }: DatabaseEnv): Promise<Database> {
  if (databaseUrl !== undefined) {
    const { openPostgres } = await import('../db/postgres.ts')
    return openPostgres({ url: databaseUrl, max: 1 })
  }
  if (!existsSync(join(dataDir, 'pgdata', 'PG_VERSION'))) {
    throw new CommandError(
      `There is no embedded database in ${JSON.stringify(dataDir)}. Set DATABASE_URL or DATA_DIR to what the server uses.`,
    )
  }
  const { openPglite } = await import('../db/pglite.ts')
  return openPglite({ directory: dataDir })
}
