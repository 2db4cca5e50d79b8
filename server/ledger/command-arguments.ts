import { isUserId, USER_ID_RULE } from '../auth/user-id.ts'
import {
  type CommandReader,
  type Options,
  type ParsedCommand,
  parseCommand,
  problem,
  readCount,
} from '../core/command-options.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import { AMOUNT_RULE, MAX_MICRO_CREDITS } from './amount.ts'
import { CREDIT_ENTRY_FIELDS } from './format-entry.ts'

export type CreditsCommand =
  /** Of every account, where none is named. */
  | { readonly kind: 'balance'; readonly account: string | undefined }
  | { readonly kind: 'grant'; readonly account: string; readonly amount: number; readonly key: string }
  | { readonly kind: 'statement'; readonly account: string; readonly limit: number }

const MAX_LIST = 10_000
const DEFAULT_LIST = 50
const ACCOUNT_PROBLEM = `--account must be a user's id: ${USER_ID_RULE}.`

export const CREDITS_USAGE = `Usage: npm run -s credits -- COMMAND; amounts are whole micro-credits: 1000000 is 1 credit
  balance [--account ID]    prints account, available and reserved, divided by tabs; a line for every account without ID
  grant --account ID --amount N --key KEY
                            puts credits into an account; the same key grants once, for ever
  statement --account ID [--limit ${DEFAULT_LIST}]
                            prints entries, newest first, a line each, fields divided by tabs:
                            ${CREDIT_ENTRY_FIELDS}`

const COMMANDS: ReadonlyMap<string, CommandReader<CreditsCommand>> = new Map([
  ['balance', { options: ['account'], read: parseBalance }],
  ['grant', { options: ['account', 'amount', 'key'], read: parseGrant }],
  ['statement', { options: ['account', 'limit'], read: parseStatement }],
])

/** Reads the command line of `npm run -s credits -- …`. */
export function parseCreditsCommand(args: readonly string[]): ParsedCommand<CreditsCommand> {
  return parseCommand(args, COMMANDS)
}

function parseBalance(values: Options): ParsedCommand<CreditsCommand> {
  const account = values.get('account')
  if (account !== undefined && !isUserId(account)) return problem(ACCOUNT_PROBLEM)
  return { ok: true, value: { kind: 'balance', account } }
}

function parseGrant(values: Options): ParsedCommand<CreditsCommand> {
  const account = values.get('account')
  if (!isUserId(account)) return problem(ACCOUNT_PROBLEM)
  const amount = readCount(values.get('amount') ?? '', MAX_MICRO_CREDITS)
  if (amount === undefined) return problem(`--amount must be ${AMOUNT_RULE}, in digits alone.`)
  const key = values.get('key') ?? ''
  if (!IDEMPOTENCY_KEY.test(key)) return problem(`--key must be ${IDEMPOTENCY_KEY_RULE}`)
  return { ok: true, value: { kind: 'grant', account, amount, key } }
}

function parseStatement(values: Options): ParsedCommand<CreditsCommand> {
  const account = values.get('account')
  if (!isUserId(account)) return problem(ACCOUNT_PROBLEM)
  const limit = readCount(values.get('limit') ?? String(DEFAULT_LIST), MAX_LIST)
  if (limit === undefined) return problem(`--limit must be a whole number from 1 to ${MAX_LIST}.`)
  return { ok: true, value: { kind: 'statement', account, limit } }
}
