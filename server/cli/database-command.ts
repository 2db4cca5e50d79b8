import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, SqlError } from '../db/database.ts'
import { DirectoryLockError } from '../db/directory-lock.ts'
import { type DatabaseEnv, loadDotEnv, readDatabaseEnv } from '../env/environment.ts'
import { type ApiCaller, callRunningServer } from './api-caller.ts'
import { CommandError } from './command-error.ts'

/** What an SQLSTATE means to the person who gave a command. */
export type SqlFaults = ReadonlyMap<string, string>

/** What a command does where it can: on the database itself, or through the server that has it open. */
export interface DataCommand {
  /** Who can run it on the database has all rights on it. */
  database(database: Database): Promise<void>
  /** The same over the API, as the owner. */
  server(caller: ApiCaller): Promise<void>
}

/** Where a command that was run over the API has done what it says. */
export const OF_SERVER = 'the database of the server that runs'

/**
 * Runs a command on the database. An embedded one that a server has open is reached through that server, on loopback.
 *
 * @throws {CommandError} that says what is wrong and what would be right
 */
export async function runOnData(faults: SqlFaults, command: DataCommand): Promise<void> {
  loadDotEnv()
  const env = readDatabaseEnv()
  let database: Database
  try {
    database = await open(env)
  } catch (error) {
    if (!(error instanceof DirectoryLockError && error.isInUse)) throw error
    return await runOnServer(env, command, error)
  }
  try {
    await command.database(database)
  } catch (error) {
    const told = error instanceof SqlError ? faults.get(error.sqlstate) : undefined
    throw told === undefined ? error : new CommandError(told)
  } finally {
    await database.close()
  }
}

async function runOnServer({ dataDir }: DatabaseEnv, command: DataCommand, inUse: Error): Promise<void> {
  const caller = await callRunningServer(dataDir, 'owner')
  if (!caller) throw inUse
  await command.server(caller)
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Opens the database as it is: its tables are the server's to make. */
async function open(env: DatabaseEnv): Promise<Database> {
  const { databaseUrl, databaseDirectUrl, databasePooler, dataDir } = env
  if (databaseUrl !== undefined) {
    const { checkDirectUrl, findPooler, openAt } = await import('../db/database-address.ts')
    if (databaseDirectUrl !== undefined) {
      const found = await checkDirectUrl({ url: databaseUrl, directUrl: databaseDirectUrl })
      return openAt({ url: databaseDirectUrl }, found, { max: 1 })
    }
    const address = { url: databaseUrl, pooler: databasePooler }
    return openAt(address, await findPooler(address), { max: 1 })
  }
  if (!existsSync(join(dataDir, 'pgdata', 'PG_VERSION'))) {
    throw new CommandError(
      `There is no embedded database in ${JSON.stringify(dataDir)}. Set DATABASE_URL or DATA_DIR to what the server uses.`,
    )
  }
  const { openPglite } = await import('../db/pglite.ts')
  return openPglite({ directory: dataDir })
}
