import { isUserId, USER_ID_RULE } from '../auth/user-id.ts'
import {
  type CommandReader,
  type Options,
  type ParsedCommand,
  parseCommand,
  problem,
  readCount,
} from '../core/command-options.ts'
import { parseDuration } from '../core/duration.ts'
import { AUDIT_ENTRY_FIELDS } from './format-entry.ts'

export type AuditCommand =
  | { readonly kind: 'prune'; readonly olderThanSeconds: number }
  | { readonly kind: 'erase'; readonly userId: string }
  | {
      readonly kind: 'list'
      readonly actor: string | undefined
      readonly action: string | undefined
      readonly limit: number
    }

const MAX_DAYS = 36_500
const MAX_LIST = 10_000
const DEFAULT_LIST = 50

export const AUDIT_USAGE = `Usage: npm run -s audit -- COMMAND
  prune --older-than 90d    removes the entries that are older than so many days (d) or hours (h)
  erase --user ID           removes what is personal in a user's entries, input and ip; who did what stays
  list [--actor ID] [--action NAME] [--limit ${DEFAULT_LIST}]
                            prints entries, newest first, a line each, fields divided by tabs:
                            ${AUDIT_ENTRY_FIELDS}`

const COMMANDS: ReadonlyMap<string, CommandReader<AuditCommand>> = new Map([
  ['prune', { options: ['older-than'], read: parsePrune }],
  ['erase', { options: ['user'], read: parseErase }],
  ['list', { options: ['actor', 'action', 'limit'], read: parseList }],
])

/** Reads the command line of `npm run -s audit -- …`. */
export function parseAuditCommand(args: readonly string[]): ParsedCommand<AuditCommand> {
  return parseCommand(args, COMMANDS)
}

function parsePrune(values: Options): ParsedCommand<AuditCommand> {
  const seconds = parseDuration(values.get('older-than') ?? '', ['h', 'd'])
  if (seconds === undefined || seconds > MAX_DAYS * 86_400) {
    return problem(
      `--older-than must be a whole number of hours or days, as in 12h or 90d, at most ${MAX_DAYS}d.`,
    )
  }
  return { ok: true, value: { kind: 'prune', olderThanSeconds: seconds } }
}

function parseErase(values: Options): ParsedCommand<AuditCommand> {
  const userId = values.get('user')
  if (!isUserId(userId)) return problem(`--user must be a user's id: ${USER_ID_RULE}.`)
  return { ok: true, value: { kind: 'erase', userId } }
}

function parseList(values: Options): ParsedCommand<AuditCommand> {
  const limit = readCount(values.get('limit') ?? String(DEFAULT_LIST), MAX_LIST)
  if (limit === undefined) return problem(`--limit must be a whole number from 1 to ${MAX_LIST}.`)
  const [actor, action] = [values.get('actor'), values.get('action')]
  if (actor === '' || action === '') return problem('--actor and --action must not be empty.')
  return { ok: true, value: { kind: 'list', actor, action, limit } }
}
