import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ParsedCommand } from '../core/command-options.ts'
import { ConnectionLost, type Database, SqlError } from '../db/database.ts'
import { openPglite } from '../db/pglite.ts'
import { openPostgres } from '../db/postgres.ts'
import { type DatabaseEnv, loadDotEnv, readDatabaseEnv } from '../env/environment.ts'

/** A command that works on the database itself: who can run it has all rights on it. */
export interface DatabaseCommand<T> {
  readonly usage: string
  parse(args: readonly string[]): ParsedCommand<T>
  /** @throws {Error} whose message is for the person at the terminal. */
  run(database: Database, command: T): Promise<void>
  /** What an SQLSTATE means to the person who gave this command. */
  readonly faults: ReadonlyMap<string, string>
}

const FAULTS: ReadonlyMap<string, string> = new Map([
  ['28000', 'DATABASE_URL: the database refused the user or the password.'],
  ['28P01', 'DATABASE_URL: the database refused the user or the password.'],
  ['3D000', 'DATABASE_URL: there is no such database.'],
])

/** Runs a command. @returns the exit code: 2 for wrong arguments, 1 for anything else that fails. */
export async function runDatabaseCommand<T>(
  args: readonly string[],
  command: DatabaseCommand<T>,
): Promise<number> {
  // A reader that has seen enough, such as head, must not end a command in the middle.
  process.stdout.on('error', () => {})
  const parsed = command.parse(args)
  if (!parsed.ok) return complain(`${parsed.problem}\n${command.usage}`, 2)
  try {
    loadDotEnv()
    const database = await open(readDatabaseEnv())
    await command.run(database, parsed.value).finally(() => database.close())
    return 0
  } catch (error) {
    return complain(explain(error, command.faults), 1)
  }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Opens the database as it is: its tables are the server's to make. */
async function open({ databaseUrl, dataDir }: DatabaseEnv): Promise<Database> {
  if (databaseUrl !== undefined) return openPostgres({ url: databaseUrl, max: 1 })
  if (existsSync(join(dataDir, 'pgdata', 'PG_VERSION'))) return openPglite({ directory: dataDir })
  throw new Error(
    `There is no embedded database in ${JSON.stringify(dataDir)}. Set DATABASE_URL or DATA_DIR to what the server uses.`,
  )
}

function explain(error: unknown, faults: ReadonlyMap<string, string>): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ConnectionLost)
    return `DATABASE_URL: the database cannot be reached. ${error.message}.`
  const known =
    error instanceof SqlError ? (faults.get(error.sqlstate) ?? FAULTS.get(error.sqlstate)) : undefined
  return known ?? error.message
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`)
  return exitCode
}
