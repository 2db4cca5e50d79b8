import type { Command } from 'commander'
import { z } from 'zod'
import { parseDuration } from '../core/duration.ts'
import { loadDotEnv, readTokenEnv } from '../env/environment.ts'
import { CommandError } from './command-error.ts'
import { must, readUserId, valueOption } from './options.ts'

interface TokenOptions {
  readonly expires: number | undefined
  readonly email: string | undefined
}

const DEFAULT_EXPIRY_SECONDS = 12 * 3_600

/** Adds `deputy token`, which prints a token and nothing else, so that `TOKEN=$(deputy token ada)` works. */
export function addToken(program: Command): void {
  program
    .command('token')
    .summary('print a token of the development key')
    .description('Prints a token for a user, signed by the development key in DATA_DIR.')
    .argument('<user>', "the user's id", readUserId)
    .addOption(
      valueOption(
        '--expires <duration>',
        'how long it is good, as in 30s, 15m or 7d (default: 12h)',
        readExpiry,
      ),
    )
    .addOption(
      valueOption('--email <address>', 'an email address for the claim, as a verified one', readEmail),
    )
    .action(printToken)
}

async function printToken(userId: string, { expires, email }: TokenOptions): Promise<void> {
  loadDotEnv()
  const env = readTokenEnv()
  if (!env.developmentKey)
    throw new CommandError(env.reason ?? 'Tokens come from the configured key source, not from this command.')
  const { loadDevelopmentKey } = await import('../auth/development-key.ts')
  const key = await loadDevelopmentKey(env.dataDir)
  const claims = email === undefined ? {} : { email, email_verified: true }
  const expiresInSeconds = expires ?? DEFAULT_EXPIRY_SECONDS
  process.stdout.write(`${await key.mint(userId, { expiresInSeconds, claims })}\n`)
}

function readExpiry(text: string): number {
  const seconds = parseDuration(text, ['s', 'm', 'h', 'd'])
  return must(
    seconds !== undefined,
    seconds ?? 0,
    'It must be a whole number with a unit, as in 30s, 15m, 12h or 7d.',
  )
}

function readEmail(text: string): string {
  return must(z.email().safeParse(text).success, text, 'It must be an email address.')
}
