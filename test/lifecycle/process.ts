import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describeApp } from '../../server/lifecycle/describe-app.ts'
import { fixture } from '../fixture/app.ts'
import { guarded } from '../support/guarded.ts'
import { holdServer } from '../support/held-servers.ts'
import { deputyCommand, programOf } from '../support/programs.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Set to nothing, so that neither the shell's environment nor a `.env` in the checkout has a say. */
const UNSET = Object.fromEntries(
  [
    'NODE_ENV HOST PORT DATA_DIR DATABASE_URL OWNER_USER_ID CORS_ORIGINS LOG_LEVEL',
    'METRICS_HOST METRICS_PORT AUDIT_LOG SLOW_CALL_MS TRUSTED_PROXIES COMPRESSION OWNER_CREDITS',
    'RATE_LIMIT_USER RATE_LIMIT_ANONYMOUS RATE_LIMIT_FAILING RATE_LIMIT_INTEGRATIONS',
    'BUDGET_CALLER_CALLS BUDGET_CALLER_CREDITS BUDGET_ACTION_CALLS BUDGET_ACTION_CREDITS',
    'BUDGET_APP_CALLS BUDGET_APP_CREDITS BUDGET_ANONYMOUS_CALLS BUDGET_ANONYMOUS_CREDITS',
    'AUTH_JWT_ISSUER AUTH_JWT_AUDIENCE AUTH_AUTHORIZED_PARTIES MCP_URL',
    'AUTH_JWKS_URL AUTH_JWT_PUBLIC_KEY AUTH_JWT_SECRET PLATFORM_URL API_WORKER_URL APP_OWNER_JWT',
    'ALLOW_PRIVATE_UPSTREAMS CONSOLE CONSOLE_OIDC_ISSUER CONSOLE_OIDC_CLIENT_ID',
  ]
    .flatMap((names) => names.split(' '))
    .map((name) => [name, '']),
)

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Running {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  readonly ended: Promise<Finished>
}

/** Runs a command in the checkout with an environment of its own. */
export function run(command: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const child = guarded(
    spawn(command, args, {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...UNSET, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // npm has children of its own.
      detached: command === 'npm',
    }),
  )
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (part: string) => {
      output[name] += part
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  return { child, output, ended }
}

/** Starts the server of the fixture. @param program another one */
export async function runServer(env: Record<string, string>, program?: readonly string[]): Promise<Running> {
  return run(process.execPath, program ?? (await programOf('fixture')), { PORT: '0', ...env })
}

/** Runs a `deputy` command that loads no app. */
export async function runDeputy(args: readonly string[], env?: Record<string, string>): Promise<Running> {
  const { program } = await deputyCommand()
  return run(process.execPath, [...program, ...args], env)
}

/** Waits for a text on the output of a process. @throws {Error} with all of its output when it ends first. */
async function waitForOutput(running: Running, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = pattern.exec(running.output.stdout)
    if (match) return match
    const finished = await Promise.race([
      running.child.stdout ? once(running.child.stdout, 'data').then(() => undefined) : undefined,
      running.ended,
    ])
    if (finished && !pattern.test(running.output.stdout)) {
      throw new Error(
        `The process ended (${finished.code}):\n${running.output.stdout}${running.output.stderr}`,
      )
    }
  }
}

export interface StartedServer extends Running, AsyncDisposable {
  readonly url: string
}

/** Starts the server and waits until it says where it listens. Killed when disposed, if it still runs. */
export async function startServer(
  env: Record<string, string>,
  program?: readonly string[],
): Promise<StartedServer> {
  const running = await runServer(env, program)
  const [, url = ''] = await waitForOutput(running, /^Deputy listens on (\S+)$/m)
  holdServer(url, describeApp(fixture).text, running.ended)
  await waitForOutput(running, /capacity":20|tokens {4}of http/)
  return {
    ...running,
    url,
    async [Symbol.asyncDispose]() {
      running.child.kill('SIGKILL')
      await running.ended
    },
  }
}

/** What `deputy token` prints for a user. */
export async function mintToken(userId: string, dataDir: string): Promise<string> {
  const { output, ended } = await runDeputy(['token', userId], { DATA_DIR: dataDir })
  const { code } = await ended
  if (code !== 0) throw new Error(output.stderr)
  return output.stdout.trim()
}
