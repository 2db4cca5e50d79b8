import { loadDevelopmentKey } from '../auth/development-key.ts'
import { parseTokenArguments } from '../auth/token-arguments.ts'
import { loadDotEnv, readTokenEnv } from '../env/environment.ts'

const USAGE = 'Usage: npm run -s token -- USER [--expires 12h] [--email a@b.c]'

/** Prints a token and nothing else, so that `TOKEN=$(npm run -s token -- ada)` works. */
async function main(): Promise<number> {
  const parsed = parseTokenArguments(process.argv.slice(2))
  if (!parsed.ok) return complain(`${parsed.problem}\n${USAGE}`, 2)

  loadDotEnv()
  const env = readTokenEnv()
  if (!env.developmentKey) {
    return complain(env.reason ?? 'Tokens come from the configured key source, not from this command.', 1)
  }
  const { userId, expiresInSeconds, claims } = parsed.value
  const key = await loadDevelopmentKey(env.dataDir)
  process.stdout.write(`${await key.mint(userId, { expiresInSeconds, claims })}\n`)
  return 0
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`)
  return exitCode
}

try {
  process.exitCode = await main()
} catch (error) {
  process.exitCode = complain(error instanceof Error ? error.message : String(error), 1)
}
