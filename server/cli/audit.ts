import type { Command } from 'commander'
import { AUDIT_ENTRY_FIELDS, formatAuditEntry } from '../audit/format-entry.ts'
import type { ListOptions } from '../audit/list.ts'
import type { RemovalCount } from '../audit/maintenance.ts'
import type { AuditPage } from '../audit/query.ts'
import { parseDuration } from '../core/duration.ts'
import { printable } from '../core/printable.ts'
import type { RemovedBatch } from '../routers/audit.ts'
import { type ApiCaller, dataOf, listPages } from './api-caller.ts'
import { OF_SERVER, runOnData, type SqlFaults, say } from './database-command.ts'
import { countReader, must, readText, readUserId, requiredOption, valueOption } from './options.ts'

const MAX_DAYS = 36_500
const MAX_LIST = 10_000
const DEFAULT_LIST = 50

const FAULTS: SqlFaults = new Map([
  ['42P01', 'There is no audit log in this database yet; the server makes it when it starts.'],
  [
    '42501',
    'DATABASE_URL: its role must own the table deputy.audit_log, as the role does that the server migrates with.',
  ],
  ['55P03', 'The audit log is busy. Nothing is half done: run the command again.'],
])

const clock = () => new Date()

/** Adds `deputy audit`, which reads and maintains the audit log. */
export function addAudit(program: Command): void {
  const audit = program.command('audit').summary('read and maintain the audit log')
  audit
    .command('list')
    .summary('print entries, newest first')
    .description(`Prints entries, newest first, a line each, fields divided by tabs:\n${AUDIT_ENTRY_FIELDS}`)
    .addOption(valueOption('--actor <id>', 'of this user alone', readText))
    .addOption(valueOption('--action <name>', 'of this action alone', readText))
    .addOption(
      valueOption('--limit <n>', `how many at most (default: ${DEFAULT_LIST})`, countReader(MAX_LIST)),
    )
    .action(({ actor, action, limit = DEFAULT_LIST }) => list({ actor, action, limit }))
  audit
    .command('prune')
    .summary('remove old entries')
    .description('Removes the entries that are older than so many days (d) or hours (h).')
    .addOption(requiredOption('--older-than <age>', 'such as 90d or 12h', readAge))
    .action(({ olderThan }) => pruneLog(olderThan))
  audit
    .command('erase')
    .summary("remove what is personal in a user's entries")
    .description("Removes what is personal in a user's entries, input and ip; who did what stays.")
    .addOption(requiredOption('--user <id>', 'whose', readUserId))
    .action(({ user }) => eraseUser(user))
}

async function list(options: ListOptions): Promise<void> {
  const { listAudit } = await import('../audit/list.ts')
  const { actor, action, limit } = options
  await runOnData(FAULTS, {
    async database(database) {
      for await (const entry of listAudit(database, options)) say(formatAuditEntry(entry))
    },
    async server(caller) {
      const entries = (page: AuditPage) => page.entries
      for await (const entry of listPages(caller, '/api/audit', { actor, action }, limit, entries))
        say(formatAuditEntry({ ...entry, at: new Date(entry.at) }))
    },
  })
}

async function pruneLog(olderThanSeconds: number): Promise<void> {
  const { prune } = await import('../audit/prune.ts')
  const before = new Date(clock().getTime() - olderThanSeconds * 1_000)
  const tell = ({ entries, details }: RemovalCount, place: string) =>
    say(`Removed ${entries} entries and ${details} details from before ${before.toISOString()} in ${place}.`)
  await runOnData(FAULTS, {
    async database(database) {
      tell(await prune(database, { before, clock }), database.location)
    },
    async server(caller) {
      tell(await removeAll(caller, '/api/audit/prune', { before }), OF_SERVER)
    },
  })
}

async function eraseUser(userId: string): Promise<void> {
  const { erase } = await import('../audit/erase.ts')
  const tell = ({ details }: RemovalCount, place: string) =>
    say(`Erased ${details} details of ${printable(userId)} in ${place}.`)
  await runOnData(FAULTS, {
    async database(database) {
      tell(await erase(database, { userId, clock }), database.location)
    },
    async server(caller) {
      tell(await removeAll(caller, '/api/audit/erase', { userId }), OF_SERVER)
    },
  })
}

/** Removes batch by batch, each by a call of its own, so that other calls are served in between. */
async function removeAll(caller: ApiCaller, path: string, input: object): Promise<RemovalCount> {
  const total = { entries: 0, details: 0 }
  for (let isDone = false; !isDone; ) {
    const sent = caller.send({ method: 'POST', path, body: JSON.stringify(input) })
    const removed = await dataOf<RemovedBatch>(sent)
    total.entries += removed.entries
    total.details += removed.details
    isDone = removed.isDone
  }
  return total
}

function readAge(text: string): number {
  const seconds = parseDuration(text, ['h', 'd']) ?? 0
  const isRight = seconds > 0 && seconds <= MAX_DAYS * 86_400
  return must(
    isRight,
    seconds,
    `It must be a whole number of hours or days, as in 12h or 90d, at most ${MAX_DAYS}d.`,
  )
}
