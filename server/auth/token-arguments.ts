import { parseArgs } from 'node:util'
import { z } from 'zod'
import { parseDuration } from '../core/duration.ts'
import { isUserId, USER_ID_RULE } from './user-id.ts'

export interface TokenArguments {
  readonly userId: string
  readonly expiresInSeconds: number
  readonly claims: Readonly<Record<string, unknown>>
}

export type ParsedTokenArguments =
  | { readonly ok: true; readonly value: TokenArguments }
  | { readonly ok: false; readonly problem: string }

/** Reads the command line of `npm run -s token -- USER [--expires 12h] [--email a@b.c]`. */
export function parseTokenArguments(args: readonly string[]): ParsedTokenArguments {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return problem(error instanceof Error ? error.message : String(error))
  }
  const { positionals, values } = parsed
  const [userId] = positionals
  if (positionals.length !== 1) return problem(`One USER is needed; there are ${positionals.length}.`)
  if (!isUserId(userId)) return problem(`USER must be ${USER_ID_RULE}.`)
  const expiresInSeconds = parseDuration(values.expires, ['s', 'm', 'h', 'd'])
  if (expiresInSeconds === undefined) {
    return problem(`--expires must be a whole number with a unit, as in 30s, 15m, 12h or 7d.`)
  }
  if (values.email === undefined) return { ok: true, value: { userId, expiresInSeconds, claims: {} } }
  if (!z.email().safeParse(values.email).success) return problem('--email must be an email address.')
  return {
    ok: true,
    value: { userId, expiresInSeconds, claims: { email: values.email, email_verified: true } },
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: { expires: { type: 'string', default: '12h' }, email: { type: 'string' } },
    allowPositionals: true,
  })
}

function problem(text: string): ParsedTokenArguments {
  return { ok: false, problem: text }
}
