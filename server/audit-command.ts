import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AUDIT_USAGE, type AuditCommand, parseAuditCommand } from './audit/command-arguments.ts'
import { erase } from './audit/erase.ts'
import { formatEntry } from './audit/line.ts'
import { listAudit } from './audit/list.ts'
import { printable } from './audit/printable.ts'
import { prune } from './audit/prune.ts'
import { ConnectionLost, type Database, SqlError } from './db/database.ts'
import { openPglite } from './db/pglite.ts'
import { openPostgres } from './db/postgres.ts'
import { type DatabaseEnv, loadDotEnv, readDatabaseEnv } from './env.ts'

/** Reads and maintains the audit log on the database itself: whoever can run this has all rights on it. */
async function main(): Promise<number> {
  const parsed = parseAuditCommand(process.argv.slice(2))
  if (!parsed.ok) return complain(`${parsed.problem}\n${AUDIT_USAGE}`, 2)

  loadDotEnv()
  const env = readDatabaseEnv()
  const database = await open(env)
  try {
    await run(database, parsed.value)
    return 0
  } finally {
    await database.close()
  }
}

/** Opens the database as it is: its tables are the server's to make. */
async function open({ databaseUrl, dataDir }: DatabaseEnv): Promise<Database> {
  if (databaseUrl !== undefined) return openPostgres({ url: databaseUrl, max: 1 })
  if (existsSync(join(dataDir, 'pgdata', 'PG_VERSION'))) return openPglite({ directory: dataDir })
  throw new Error(
    `There is no embedded database in ${JSON.stringify(dataDir)}. Set DATABASE_URL or DATA_DIR to what the server uses.`,
  )
}

async function run(database: Database, command: AuditCommand): Promise<void> {
  const clock = () => new Date()
  switch (command.kind) {
    case 'prune': {
      const before = new Date(clock().getTime() - command.olderThanSeconds * 1_000)
      const { entries, details } = await prune(database, { before, clock })
      return say(
        `Removed ${entries} entries and ${details} details from before ${before.toISOString()} in ${database.location}.`,
      )
    }
    case 'erase': {
      const { details } = await erase(database, { userId: command.userId, clock })
      return say(`Erased ${details} details of ${printable(command.userId)} in ${database.location}.`)
    }
    case 'list':
      for await (const entry of listAudit(database, command)) say(formatEntry(entry))
  }
}

const SQL_FAULTS: ReadonlyMap<string, string> = new Map([
  ['28000', 'DATABASE_URL: the database refused the user or the password.'],
  ['28P01', 'DATABASE_URL: the database refused the user or the password.'],
  ['3D000', 'DATABASE_URL: there is no such database.'],
  ['42P01', 'There is no audit log in this database yet; the server makes it when it starts.'],
  [
    '42501',
    'DATABASE_URL: its role must own the table audit_log, as the role does that the server migrates with.',
  ],
  ['55P03', 'The audit log is busy. Nothing is half done: run the command again.'],
])

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const known = error instanceof SqlError ? SQL_FAULTS.get(error.sqlstate) : undefined
  if (error instanceof ConnectionLost)
    return `DATABASE_URL: the database cannot be reached. ${error.message}.`
  return known ?? error.message
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`)
  return exitCode
}

// A reader that has seen enough, such as head, must not end a command in the middle.
process.stdout.on('error', () => {})
try {
  process.exitCode = await main()
} catch (error) {
  process.exitCode = complain(explain(error), 1)
}
