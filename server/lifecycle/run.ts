import { existsSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import type { Logger } from 'pino'
import { DefinitionError } from '../core/errors.ts'
import { ConnectionLost, SqlError } from '../db/database.ts'
import { DirectoryLockError } from '../db/directory-lock.ts'
import { MigrationError } from '../db/migration-error.ts'
import { UnsuitableAddress } from '../db/pooler-mode.ts'
import { DEFAULT_DATA_DIR, EnvError, loadDotEnv, readWholeEnv, type ServerEnv } from '../env/environment.ts'
import { integrationEnv } from '../integrations/connection.ts'
import type { Actions } from '../routers/registry.ts'
import { actionToTry } from './action-to-try.ts'
import type { AppParts } from './define-app.ts'
import { ListenError } from './listen.ts'
import { createLog, loadPrinter } from './log.ts'
import { type RunningServer, startServer } from './start.ts'

const STOP_GRACE_MS = 25_000

/** The module `server/app.ts` of an app. */
export interface AppModule {
  readonly app: AppParts
}

/** How an app's server is run. */
export interface RunServerOptions {
  /** Whether a schema that the OpenAPI document cannot describe keeps the server from starting. @default false */
  readonly strict?: boolean | undefined
  /** Told the server's address once it listens. @default no one is told */
  readonly onListening?: ((url: string) => void) | undefined
}

/**
 * Runs an app's server until the process is told to stop: `await run(() => import('./app.ts'))`. What keeps it from
 * starting is written to standard error, and ends the process with status 1.
 *
 * @param load imports the app, so that a mistake in one of its files is told like any other reason not to start
 */
export async function run(load: () => Promise<AppModule>, options: RunServerOptions = {}): Promise<void> {
  try {
    await serve(load, options)
  } catch (error) {
    process.stderr.write(`Deputy could not start. ${explain(error)}\n`)
    process.exit(1)
  }
}

async function serve(
  load: () => Promise<AppModule>,
  { strict, onListening }: RunServerOptions,
): Promise<void> {
  // Before anything takes time: without a listener this signal ends the process.
  let running: { readonly server: RunningServer; readonly log: Logger } | undefined
  process.on('SIGUSR2', () => {
    if (running) void tellLive(running.server, running.log)
    else process.stdout.write('Nothing is in flight: the server has not started yet.\n')
  })
  // The heap may double until what is of no use is collected. By itself V8 lets it grow to four times of what is in
  // use, with what calls have left behind.
  setFlagsFromString('--heap-growing-percent=100')
  loadDotEnv()
  const { app } = await load()
  const { env, appEnv } = readWholeEnv(app.env, integrationEnv(app.integrations))
  const isForPerson = process.stdout.isTTY && env.auth.kind === 'development'
  const log = createLog({ level: env.logLevel, printer: isForPerson ? await loadPrinter() : undefined })
  const server = await startServer({ env, app, appEnv, log, isStrict: strict })
  running = { server, log }

  let unhandled = 0
  process.on('unhandledRejection', (error) => {
    unhandled += 1
    log.error({ err: error, count: unhandled }, 'A promise was rejected and nobody handled it')
    server.report(error)
  })
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'An exception was not caught; the server stops')
    process.exit(1)
  })
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'Stopping: calls in flight are finished first')
    server.stop(STOP_GRACE_MS).then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'The server could not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.stdout.write(banner(env, server, app.actions))
  onListening?.(server.url)
}

async function tellLive(server: RunningServer, log: Logger): Promise<void> {
  try {
    log.info({ live: await server.live() }, 'In flight')
  } catch (error) {
    log.error({ err: error }, 'What is in flight could not be told')
  }
}

function banner(env: ServerEnv, server: RunningServer, actions: Actions): string {
  const lines = [
    `Deputy listens on ${server.url}`,
    `  data      ${server.database.kind === 'pglite' ? `embedded PostgreSQL in ${server.database.location}` : server.database.location}`,
    `  owner     ${env.ownerUserId ?? 'none: owner actions are refused until OWNER_USER_ID is set'}`,
  ]
  if (server.metricsUrl !== undefined) lines.push(`  metrics   ${server.metricsUrl}/metrics`)
  if (env.hasConsole) lines.push(`  console   ${server.url}/console`)
  const { ownerCredits } = server
  if (ownerCredits !== undefined) {
    const given = ownerCredits === 'unmetered' ? ownerCredits : `${ownerCredits} micro-credits at the start`
    lines.push(`  credits   of the owner: ${given}`)
  }
  if (env.auth.kind === 'configured') {
    lines.push(
      `  tokens    of ${env.auth.issuer}${env.auth.audience === 'none' ? ', without an audience: AUTH_JWT_AUDIENCE is none' : ''}`,
    )
    return `${lines.join('\n')}\n`
  }
  // Where the package is installed, its command is there; this repository runs it from its sources.
  const command = existsSync('node_modules/.bin/deputy') ? 'npx deputy token' : 'npm run -s token --'
  const token = `${env.dataDir === DEFAULT_DATA_DIR ? '' : `DATA_DIR=${env.dataDir} `}${command}`
  lines.push(`  tokens    of the development key in ${env.dataDir}: ${token} USER`)
  const tried = actionToTry(actions)
  if (tried) {
    lines.push(
      '',
      'Try it:',
      `  curl -s ${server.url}/api/actions/${tried.name} -H "Authorization: Bearer $(${token} ada)" \\`,
      `    -H 'Content-Type: application/json' -d '${tried.body}'`,
    )
  }
  return `${lines.join('\n')}\n`
}

const DIRECTORY_FAULTS: ReadonlySet<string> = new Set([
  'EACCES',
  'EEXIST',
  'ENAMETOOLONG',
  'ENOSPC',
  'ENOTDIR',
  'EPERM',
  'EROFS',
])

/** What to tell the person who starts the server: what is wrong and what would be right, without a stack if it is theirs to mend. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = codeOf(error)
  if (typeof code === 'string' && DIRECTORY_FAULTS.has(code))
    return `DATA_DIR: ${error.message}. Set DATA_DIR to a directory that this user can write.`
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'CONNECT_TIMEOUT') {
    return `DATABASE_URL: the database cannot be reached (${code}). Is it running, and is the address right?`
  }
  if (error instanceof ConnectionLost) return `DATABASE_URL: ${error.message}.`
  if (code === '28P01' || code === '28000')
    return 'DATABASE_URL: the database refused the user or the password.'
  if (code === '3D000') return 'DATABASE_URL: there is no such database; create it first.'
  const isTold =
    error instanceof EnvError ||
    error instanceof ListenError ||
    error instanceof DirectoryLockError ||
    error instanceof DefinitionError ||
    error instanceof UnsuitableAddress ||
    error instanceof MigrationError
  return isTold ? error.message : (error.stack ?? error.message)
}

/** The SQLSTATE, or the code of the system; of a lost connection, of what it was lost by. */
function codeOf(error: Error): unknown {
  if (error instanceof SqlError) return error.sqlstate
  const { cause } = error
  if (error instanceof ConnectionLost && cause instanceof Error) return codeOf(cause)
  return 'code' in error ? error.code : undefined
}
