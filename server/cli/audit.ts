import { AUDIT_USAGE, type AuditCommand, parseAuditCommand } from '../audit/command-arguments.ts'
import { erase } from '../audit/erase.ts'
import { formatAuditEntry } from '../audit/format-entry.ts'
import { listAudit } from '../audit/list.ts'
import { prune } from '../audit/prune.ts'
import { printable } from '../core/printable.ts'
import type { Database } from '../db/database.ts'
import { runDatabaseCommand, say } from './database-command.ts'

const FAULTS: ReadonlyMap<string, string> = new Map([
  ['42P01', 'There is no audit log in this database yet; the server makes it when it starts.'],
  [
    '42501',
    'DATABASE_URL: its role must own the table deputy.audit_log, as the role does that the server migrates with.',
  ],
  ['55P03', 'The audit log is busy. Nothing is half done: run the command again.'],
])

/** Reads and maintains the audit log. */
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
      for await (const entry of listAudit(database, command)) say(formatAuditEntry(entry))
  }
}

process.exitCode = await runDatabaseCommand(process.argv.slice(2), {
  usage: AUDIT_USAGE,
  parse: parseAuditCommand,
  run,
  faults: FAULTS,
})
