import type { Command } from 'commander'
import { type Finding, ok, problem } from '../core/finding.ts'
import { printable } from '../core/printable.ts'
import { EnvError, loadDotEnv, readMetricsEnv, readWholeEnv, type ServerEnv } from '../env/environment.ts'
import { integrationEnv } from '../integrations/connection.ts'
import type { AppParts } from '../lifecycle/define-app.ts'
import { askLive } from './ask-live.ts'
import { CommandError, explain } from './command-error.ts'
import { say } from './database-command.ts'
import { loadApp } from './load-app.ts'

const DESCRIPTION = `Looks at what the server needs, and says what is wrong and what to do: environment, database, rights, migrations,
pooler, clock, keys of tokens, owner, sign-in to the console, integrations. It changes nothing. It ends with 1 where there is a problem.`

/** Adds `deputy doctor`. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('say what is wrong with the surroundings, and what to do')
    .description(DESCRIPTION)
    .option('--built', 'load dist/server/app.js, as with NODE_ENV=production')
    .option('--live', 'ask the server that runs what it is doing, at METRICS_PORT, and nothing else')
    .action(async ({ built, live }: { readonly built?: true; readonly live?: true }) => {
      if (live) return sayLive()
      let problems = 0
      for await (const { level, subject, text } of findingsOf(built)) {
        if (level === 'problem') problems += 1
        for (const line of text.split('\n'))
          say(`${level.padEnd(8)} ${subject.padEnd(12)} ${printable(line)}`)
      }
      if (problems > 0) process.exitCode = 1
    })
}

async function sayLive(): Promise<void> {
  loadDotEnv()
  for (const line of await askLive(readMetricsEnv())) say(line)
}

async function* findingsOf(isBuilt: boolean | undefined): AsyncGenerator<Finding, void> {
  loadDotEnv()
  let parts: AppParts
  try {
    parts = (await loadApp({ isBuilt })).app
  } catch (error) {
    return yield problem('app', explain(error))
  }
  yield ok('app', `${Object.keys(parts.actions).length} actions`)
  const env = readEnvironment(parts)
  if ('level' in env) return yield env
  yield ok('environment', 'every variable can be read')
  // What it needs is much: other commands start without it.
  const { examine } = await import('../lifecycle/doctor/examine.ts')
  yield* examine({ env, parts })
}

function readEnvironment(parts: AppParts): ServerEnv | Finding {
  try {
    return readWholeEnv(parts.env, integrationEnv(parts.integrations)).env
  } catch (error) {
    if (!(error instanceof EnvError)) throw new CommandError(explain(error))
    return problem('environment', error.problems.join('\n'))
  }
}
