import { printable } from '../core/printable.ts'
import type { Database } from '../db/database.ts'
import { getBalance, listBalances } from '../ledger/balance.ts'
import { CREDITS_USAGE, type CreditsCommand, parseCreditsCommand } from '../ledger/command-arguments.ts'
import { formatBalance, formatCreditEntry } from '../ledger/format-entry.ts'
import { grant } from '../ledger/grant.ts'
import { listStatement } from '../ledger/statement.ts'
import { runDatabaseCommand, say } from './database-command.ts'

const FAULTS: ReadonlyMap<string, string> = new Map([
  ['42P01', 'There is no ledger in this database yet; the server makes it when it starts.'],
  [
    '42501',
    'DATABASE_URL: its role must be allowed to read and write deputy.credit_accounts and deputy.credit_entries, as the role is that the server migrates with.',
  ],
])

/** Shows accounts of credits and grants into them. */
async function run(database: Database, command: CreditsCommand): Promise<void> {
  switch (command.kind) {
    case 'balance':
      if (command.account !== undefined)
        return say(formatBalance(await getBalance(database, command.account)))
      for await (const balance of listBalances(database)) say(formatBalance(balance))
      return
    case 'grant': {
      const granted = await grant(database, { ...command, grantedBy: null })
      if (!granted.success) throw new Error(granted.error)
      const { account, available, isReplay } = granted.data
      return say(
        `${isReplay ? 'Granted before, by the same key:' : 'Granted'} ${command.amount} micro-credits to ${printable(account)}, which made ${available} available, in ${database.location}.`,
      )
    }
    case 'statement':
      for await (const entry of listStatement(database, command)) say(formatCreditEntry(entry))
  }
}

process.exitCode = await runDatabaseCommand(process.argv.slice(2), {
  usage: CREDITS_USAGE,
  parse: parseCreditsCommand,
  run,
  faults: FAULTS,
})
