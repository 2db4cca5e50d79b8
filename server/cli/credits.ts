import type { Command } from 'commander'
import { printable } from '../core/printable.ts'
import type { StatementPage } from '../ledger/account-statement.ts'
import type { Balance, BalancesPage } from '../ledger/balance.ts'
import { CREDIT_ENTRY_FIELDS, formatBalance, formatCreditEntry } from '../ledger/format-entry.ts'
import { AMOUNT_RULE, MAX_MICRO_CREDITS } from '../wire/amount.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import { dataOf, listPages } from './api-caller.ts'
import { CommandError } from './command-error.ts'
import { OF_SERVER, runOnData, type SqlFaults, say } from './database-command.ts'
import { countReader, must, readUserId, requiredOption, valueOption } from './options.ts'

const MAX_LIST = 10_000
const DEFAULT_LIST = 50

const FAULTS: SqlFaults = new Map([
  ['42P01', 'There is no ledger in this database yet; the server makes it when it starts.'],
  [
    '42501',
    'DATABASE_URL: its role must be allowed to read and write deputy.credit_accounts and deputy.credit_entries, as the role is that the server migrates with.',
  ],
])

interface GrantOptions {
  readonly account: string
  readonly amount: number
  readonly key: string
}

interface StatementOptions {
  readonly account: string
  readonly limit?: number
}

/** Adds `deputy credits`, which shows accounts of credits and grants into them. */
export function addCredits(program: Command): void {
  const credits = program
    .command('credits')
    .summary('show and grant credits')
    .description(
      'Shows accounts of credits and grants into them. Amounts are whole micro-credits: 1000000 is 1 credit.',
    )
  credits
    .command('balance')
    .summary('print what accounts have')
    .description(
      'Prints account, available and reserved, divided by tabs; a line for every account without --account.',
    )
    .addOption(valueOption('--account <id>', 'of this user alone', readUserId))
    .action(({ account }) => balance(account))
  credits
    .command('grant')
    .summary('put credits into an account')
    .description('Puts credits into an account; the same key grants once, for ever.')
    .addOption(requiredOption('--account <id>', 'whose', readUserId))
    .addOption(requiredOption('--amount <n>', 'micro-credits', countReader(MAX_MICRO_CREDITS, AMOUNT_RULE)))
    .addOption(requiredOption('--key <key>', 'names this grant', readKey))
    .action(grantCredits)
  credits
    .command('statement')
    .summary('print how an account came to what it has')
    .description(`Prints entries, newest first, a line each, fields divided by tabs:\n${CREDIT_ENTRY_FIELDS}`)
    .addOption(requiredOption('--account <id>', 'whose', readUserId))
    .addOption(
      valueOption('--limit <n>', `how many at most (default: ${DEFAULT_LIST})`, countReader(MAX_LIST)),
    )
    .action(statement)
}

async function balance(account: string | undefined): Promise<void> {
  const { getBalance, listBalances } = await import('../ledger/balance.ts')
  await runOnData(FAULTS, {
    async database(database) {
      if (account !== undefined) return say(formatBalance(await getBalance(database, account)))
      for await (const each of listBalances(database)) say(formatBalance(each))
    },
    async server(caller) {
      if (account !== undefined) {
        const path = `/api/credits?${new URLSearchParams({ account })}`
        return say(formatBalance(await dataOf<Balance>(caller.send({ method: 'GET', path }))))
      }
      const balances = (page: BalancesPage) => page.balances
      for await (const each of listPages(caller, '/api/credits/balances', {}, Infinity, balances))
        say(formatBalance(each))
    },
  })
}

async function grantCredits({ key, ...request }: GrantOptions): Promise<void> {
  const { grant } = await import('../ledger/grant.ts')
  const tell = (account: string, available: number, isReplay: boolean, place: string) =>
    say(
      `${isReplay ? 'Granted before, by the same key:' : 'Granted'} ${request.amount} micro-credits to ${printable(account)}, which made ${available} available, in ${place}.`,
    )
  await runOnData(FAULTS, {
    async database(database) {
      const granted = await grant(database, { ...request, key, grantedBy: null })
      if (!granted.success) throw new CommandError(granted.error)
      const { account, available, isReplay } = granted.data
      tell(account, available, isReplay, database.location)
    },
    async server(caller) {
      const sent = caller.send({
        method: 'POST',
        path: '/api/credits/grant',
        body: JSON.stringify(request),
        idempotencyKey: key,
      })
      const { account, available } = await dataOf<Balance>(sent)
      tell(account, available, (await sent).isReplay, OF_SERVER)
    },
  })
}

async function statement({ account, limit = DEFAULT_LIST }: StatementOptions): Promise<void> {
  const { listStatement } = await import('../ledger/account-statement.ts')
  await runOnData(FAULTS, {
    async database(database) {
      for await (const entry of listStatement(database, { account, limit })) say(formatCreditEntry(entry))
    },
    async server(caller) {
      const entries = (page: StatementPage) => page.entries
      for await (const entry of listPages(caller, '/api/credits/statement', { account }, limit, entries))
        say(formatCreditEntry({ ...entry, at: new Date(entry.at) }))
    },
  })
}

function readKey(text: string): string {
  return must(IDEMPOTENCY_KEY.test(text), text, `It must be ${IDEMPOTENCY_KEY_RULE}.`)
}
