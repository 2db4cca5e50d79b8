import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import * as system from '../../drizzle/engine/system.ts'
import type { Verifier } from '../auth/verifier.ts'
import { NamedActions } from '../builders/named-actions.ts'
import { resolveSchedules } from '../builders/schedules.ts'
import type { Database } from '../db/database.ts'
import type { ServerEnv } from '../env/environment.ts'
import { createIntegrations } from '../integrations/create-integrations.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import { createHttpClient } from '../integrations/http-client.ts'
import { createCatalog } from '../tools/catalog.ts'
import { createApp } from './create-app.ts'
import type { AppParts } from './define-app.ts'
import { openDatabase } from './open-database.ts'
import { loadSystemSecret } from './system-secret.ts'

export interface OpenAppOptions {
  readonly env: ServerEnv
  readonly app: AppParts
  /** What `ctx.env` shows. */
  readonly appEnv: Readonly<Record<string, unknown>>
  readonly log: Logger
  /** Says who calls. */
  readonly verifier: Verifier
  /** Runs once the database is open, before the app is made of it. @default does nothing */
  readonly prepare?: (database: Database) => Promise<void>
}

export interface OpenApp {
  readonly app: ReturnType<typeof createApp>
  readonly database: Database
  /** Closes what outbound calls use, and the database. */
  close(): Promise<void>
}

/** What integrations are reached by, as the environment says it. */
export function integrationReach(env: ServerEnv, declarations: IntegrationDeclarations) {
  return {
    declarations,
    env: (name: string) => env.integrations.get(name),
    apiWorkerUrl: env.apiWorkerUrl,
    ownerJwt: env.appOwnerJwt,
    ownerUserId: env.ownerUserId,
  }
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
  const database = await openDatabase({
    databaseUrl: env.databaseUrl,
    directory: env.dataDir,
    migrations: fileURLToPath(parts.migrations),
    tables: [...catalog.keys()],
    expected: [...[...catalog.values()].map(({ table }) => table), ...Object.values(system)],
    onUnknownMigrations: (migrations) =>
      log.warn({ migrations }, 'The database has migrations that this server does not know'),
  })
  const outbound = createHttpClient({ allowPrivate: env.allowPrivateUpstreams })
  const close = async () => {
    // A call that outlasts its bound is not waited for.
    void outbound.close()
    await database.close()
  }
  try {
    await prepare?.(database)
    const app = createApp({
      database,
      collections: parts.collections,
      actions: parts.actions,
      routes: parts.routes,
      schedules,
      fingerprintKey: await loadSystemSecret(database, 'fingerprint'),
      integrations: createIntegrations({ ...integrationReach(env, parts.integrations), http: outbound, log }),
      http: outbound,
      verifier,
      log,
      ownerUserId: env.ownerUserId,
      roleClaim: env.roleClaim,
      isOwnerUnmetered: env.ownerCredits === 'unmetered',
      appEnv,
      corsOrigins: env.corsOrigins,
      trustedProxies: env.trustedProxies,
      clientRateLimit: env.clientRateLimit,
      isCompressing: env.isCompressing,
      budgets: env.budgets,
    })
    return { app, database, close }
  } catch (error) {
    await close()
    throw error
  }
}
