import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import * as system from '../../drizzle/engine/system.ts'
import { loadDevelopmentKey } from '../auth/development-key.ts'
import type { Verifier } from '../auth/verifier.ts'
import { NamedActions } from '../builders/named-actions.ts'
import { resolveSchedules } from '../builders/schedules.ts'
import type { Observer } from '../core/observer.ts'
import type { Database } from '../db/database.ts'
import { LOST_IN_TRANSACTION_MODE, type PoolerMode } from '../db/pooler-mode.ts'
import type { ServerEnv } from '../env/environment.ts'
import type { ConsoleSettings } from '../http/console-page.ts'
import { readWebFiles, type WebFiles } from '../http/web-files.ts'
import { createIntegrations } from '../integrations/create-integrations.ts'
import { createHttpClient } from '../integrations/http-client.ts'
import type { Tracing } from '../invocation/tracing.ts'
import { ServerChanges } from '../live/server-changes.ts'
import { createCatalog } from '../tools/catalog.ts'
import { createApp } from './create-app.ts'
import type { AppParts } from './define-app.ts'
import { examine } from './doctor/examine.ts'
import { integrationReach } from './integration-reach.ts'
import { openDatabase } from './open-database.ts'
import { loadSystemSecret } from './system-secret.ts'

export interface OpenAppOptions {
  readonly env: ServerEnv
  readonly app: AppParts
  /** What `ctx.env` shows. */
  readonly appEnv: Readonly<Record<string, unknown>>
  readonly log: Logger
  /** Begins spans. @default nothing does */
  readonly tracing?: Tracing | undefined
  /** Counts what happens. @default nothing does */
  readonly observer?: Observer | undefined
  /** Says who calls. */
  readonly verifier: Verifier
  /** Says who calls at `/mcp`. @default the same */
  readonly agentVerifier?: Verifier | undefined
  /** Runs once the database is open, before the app is made of it. @default does nothing */
  readonly prepare?: (database: Database) => Promise<void>
}

export interface OpenApp {
  readonly app: ReturnType<typeof createApp>
  readonly database: Database
  /** Closes what outbound calls use, and the database. */
  close(): Promise<void>
}

function logPooler(log: Logger, mode: PoolerMode): void {
  if (mode === 'session') log.info('A pooler in session mode is in front of the database')
  if (mode === 'transaction')
    log.warn(
      `A pooler in transaction mode is in front of the database: ${LOST_IN_TRANSACTION_MODE}. docs/poolers.md says more`,
    )
}

/** Where what other servers tell can be heard: that takes a session. */
function listenUrlOf(
  { databaseUrl, databaseDirectUrl }: Pick<ServerEnv, 'databaseUrl' | 'databaseDirectUrl'>,
  pooler: PoolerMode,
): string | undefined {
  return databaseDirectUrl ?? (pooler === 'transaction' ? undefined : databaseUrl)
}

/** Reads the front end, where one was built. */
async function openWebFiles({ app, appEnv, env, log }: OpenAppOptions): Promise<WebFiles | undefined> {
  if (!app.web) return undefined
  const { folder: address, sources } = app.web
  const folder = fileURLToPath(address)
  const files = await readWebFiles({
    folder,
    // What the environment was read as is what the app declares.
    sources: (typeof sources === 'function' ? sources(appEnv as never) : sources) ?? {},
    isCompressing: env.isCompressing,
  })
  // In development Vite serves it.
  if (!files && env.auth.kind !== 'development')
    log.warn({ folder }, 'No front end is served: npm run build makes it, and has not')
  return files
}

/**
 * Opens the database, brings it up to date, and makes the app of it. It listens to nothing and sends no messages.
 *
 * @throws {Error} that says what keeps it from being opened.
 */
export async function openApp(options: OpenAppOptions): Promise<OpenApp> {
  const { env, app: parts, appEnv, log, verifier, prepare } = options
  const catalog = createCatalog(parts.collections)
  const schedules = await resolveSchedules(parts.schedules ?? {}, new NamedActions(parts.actions))
  const webFiles = await openWebFiles(options)
  let pooler: PoolerMode = 'none'
  const database = await openDatabase({
    databaseUrl: env.databaseUrl,
    databaseDirectUrl: env.databaseDirectUrl,
    databasePooler: env.databasePooler,
    onPooler: (mode) => {
      pooler = mode
      logPooler(log, mode)
    },
    directory: env.dataDir,
    migrations: fileURLToPath(parts.migrations),
    tables: [...catalog.keys()],
    expected: [...[...catalog.values()].map(({ table }) => table), ...Object.values(system)],
    onUnknownMigrations: (migrations) =>
      log.warn({ migrations }, 'The database has migrations that this server does not know'),
  })
  const outbound = createHttpClient({ allowPrivate: env.allowPrivateUpstreams })
  let app: OpenApp['app'] | undefined
  let serverChanges: ServerChanges | undefined
  const close = async () => {
    await serverChanges?.stop()
    await app?.settle()
    // A call that outlasts its bound is not waited for.
    void outbound.close()
    await database.close()
  }
  try {
    await prepare?.(database)
    app = createApp({
      database,
      collections: parts.collections,
      actions: parts.actions,
      routes: parts.routes,
      webFiles,
      schedules,
      fingerprintKey: await loadSystemSecret(database, 'fingerprint'),
      integrations: createIntegrations({ ...integrationReach(env, parts.integrations), http: outbound, log }),
      http: outbound,
      verifier,
      examine: () => examine({ env, parts, embedded: database.kind === 'pglite' ? database : undefined }),
      log,
      slowCallMs: env.slowCallMs,
      keepsLog: env.keepsLog,
      onError: parts.onError,
      tracing: options.tracing,
      observer: options.observer,
      ownerUserId: env.ownerUserId,
      roleClaim: env.roleClaim,
      isOwnerUnmetered: env.ownerCredits === 'unmetered',
      appEnv,
      corsOrigins: env.corsOrigins,
      mayActAs: env.mayActAs,
      console: env.hasConsole ? consoleOf(env) : undefined,
      apiDocs: env.apiDocs,
      trustedProxies: env.trustedProxies,
      rateLimits: env.rateLimits,
      liveLimits: env.liveLimits,
      callerShare: env.callerShare,
      isCompressing: env.isCompressing,
      mcp: { url: env.mcpUrl, issuer: env.auth.issuer, verifier: options.agentVerifier },
      budgets: env.budgets,
    })
    const { engine, live } = app
    // The embedded database has one server, which hears itself.
    if (database.kind === 'postgres')
      serverChanges = new ServerChanges({
        database,
        changes: engine.changes,
        listenUrl: listenUrlOf(env, pooler),
        onChange: (collections) => live.changed(collections),
        log,
      })
    return { app, database, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** How long a token is good that the console is given on this machine. */
const CONSOLE_TOKEN_SECONDS = 8 * 3_600

/** In development the console needs no token of anyone's: the server signs one of the owner. */
function consoleOf({ auth, dataDir, ownerUserId, consoleSignIn }: ServerEnv): ConsoleSettings {
  if (auth.kind !== 'development' || ownerUserId === undefined) return { signIn: consoleSignIn }
  return {
    mint: async () => {
      const key = await loadDevelopmentKey(dataDir)
      const token = await key.mint(ownerUserId, { expiresInSeconds: CONSOLE_TOKEN_SECONDS })
      return { token, userId: ownerUserId }
    },
  }
}
