import { type ParseArgsConfig, parseArgs } from 'node:util'
import { isUserId, USER_ID_RULE } from '../auth/user-id.ts'
import { parseDuration } from '../duration.ts'
import { LINE_FIELDS } from './line.ts'
import { printable } from './printable.ts'

export type AuditCommand =
  | { readonly kind: 'prune'; readonly olderThanSeconds: number }
  | { readonly kind: 'erase'; readonly userId: string }
  | {
      readonly kind: 'list'
      readonly actor: string | undefined
      readonly action: string | undefined
      readonly limit: number
    }

export type ParsedAuditCommand =
  | { readonly ok: true; readonly value: AuditCommand }
  | { readonly ok: false; readonly problem: string }

const MAX_DAYS = 36_500
const MAX_LIST = 10_000
const DEFAULT_LIST = 50

export const AUDIT_USAGE = `Usage: npm run -s audit -- COMMAND
  prune --older-than 90d    removes the entries that are older than so many days (d) or hours (h)
  erase --user ID           removes what is personal in a user's entries, input and ip; who did what stays
  list [--actor ID] [--action NAME] [--limit ${DEFAULT_LIST}]
                            prints entries, newest first, a line each, fields divided by tabs:
                            ${LINE_FIELDS}`

/** Reads the command line of `npm run -s audit -- …`. */
export function parseAuditCommand(args: readonly string[]): ParsedAuditCommand {
  const [command, ...rest] = args
  try {
    switch (command) {
      case 'prune':
        return parsePrune(options(rest, ['older-than']))
      case 'erase':
        return parseErase(options(rest, ['user']))
      case 'list':
        return parseList(options(rest, ['actor', 'action', 'limit']))
      default:
        return problem(
          `${command === undefined ? 'A command is needed' : `There is no command "${printable(command)}"`}; commands are prune, erase and list.`,
        )
    }
  } catch (error) {
    return problem(printable(error instanceof Error ? error.message : String(error)))
  }
}

type Options = ReadonlyMap<string, string>

/** @throws {Error} for an option that is unknown, lacks its value or is given twice, and for stray words. */
function options(args: readonly string[], names: readonly string[]): Options {
  const known: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    names.map((name) => [name, { type: 'string' }]),
  )
  const { tokens } = parseArgs({ args: [...args], options: known, strict: true, tokens: true })
  const values = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind !== 'option' || token.value === undefined) continue
    if (values.has(token.name)) throw new Error(`--${token.name} may be given once only.`)
    values.set(token.name, token.value)
  }
  return values
}

function parsePrune(values: Options): ParsedAuditCommand {
  const seconds = parseDuration(values.get('older-than') ?? '', ['h', 'd'])
  if (seconds === undefined || seconds > MAX_DAYS * 86_400) {
    return problem(
      `--older-than must be a whole number of hours or days, as in 12h or 90d, at most ${MAX_DAYS}d.`,
    )
  }
  return { ok: true, value: { kind: 'prune', olderThanSeconds: seconds } }
}

function parseErase(values: Options): ParsedAuditCommand {
  const userId = values.get('user')
  if (!isUserId(userId)) return problem(`--user must be a user's id: ${USER_ID_RULE}.`)
  return { ok: true, value: { kind: 'erase', userId } }
}

function parseList(values: Options): ParsedAuditCommand {
  const text = values.get('limit') ?? String(DEFAULT_LIST)
  const limit = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > MAX_LIST) return problem(`--limit must be a whole number from 1 to ${MAX_LIST}.`)
  const [actor, action] = [values.get('actor'), values.get('action')]
  if (actor === '' || action === '') return problem('--actor and --action must not be empty.')
  return { ok: true, value: { kind: 'list', actor, action, limit } }
}

function problem(text: string): ParsedAuditCommand {
  return { ok: false, problem: text }
}
