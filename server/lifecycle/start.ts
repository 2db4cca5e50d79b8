import type { Logger } from 'pino'
import { loadDevelopmentKey } from '../auth/development-key.ts'
import { createKeySource, type KeyConfig } from '../auth/key-source.ts'
import { createVerifier, type Verifier } from '../auth/verifier.ts'
import type { Database } from '../db/database.ts'
import { EnvError, type ServerEnv } from '../env/environment.ts'
import { integrationEnv, SECRET_LENGTH_RULE, shortSecrets } from '../integrations/connection.ts'
import { unreachableIntegrations } from '../integrations/unreachable-integrations.ts'
import { grantOwnerCredits } from '../ledger/owner-credits.ts'
import { startDispatcher } from '../queue/dispatcher.ts'
import { startTicker } from '../queue/schedule-ticker.ts'
import type { AppParts } from './define-app.ts'
import { listen } from './listen.ts'
import { integrationReach, openApp } from './open-app.ts'
import { noteServerAddress, removeServerAddress } from './server-address.ts'
import { startSweeper } from './sweeper.ts'

export interface StartOptions {
  readonly env: ServerEnv
  readonly app: AppParts
  /** What `ctx.env` shows. */
  readonly appEnv: Readonly<Record<string, unknown>>
  readonly log: Logger
}

export interface RunningServer {
  readonly url: string
  readonly database: Database
  /** What the owner's account was given at its start, in micro-credits; undefined without an owner. */
  readonly ownerCredits: number | 'unmetered' | undefined
  /** Finishes what is in flight within the bound, then closes everything. */
  stop(graceMs: number): Promise<void>
}

/** Opens the database, brings it up to date, and serves. @throws {Error} that says what keeps it from starting. */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { env, app: parts, log } = options
  refuseWithoutOwner(env, parts)
  let ownerCredits: RunningServer['ownerCredits']
  const { app, database, close } = await openApp({
    ...options,
    verifier: await configuredVerifier(env, log),
    prepare: async (opened) => {
      ownerCredits = await startCredits(opened, env)
    },
  })
  try {
    const reach = integrationReach(env, parts.integrations)
    for (const name of shortSecrets(integrationEnv(parts.integrations), reach.env))
      log.warn(`${name} ${SECRET_LENGTH_RULE}; with NODE_ENV=production the server does not start with it`)
    const unreachable = unreachableIntegrations(reach)
    if (unreachable.length > 0) log.warn(`Integrations that cannot be called: ${unreachable.join('; ')}`)
    const isEmbedded = database.kind === 'pglite'
    if (isEmbedded) await removeServerAddress(env.dataDir)
    const http = await listen({ http: app.http, host: env.host, port: env.port })
    if (isEmbedded) await noteServerAddress(env.dataDir, http.url)
    const dispatcher = startDispatcher(app.engine)
    const ticker = await startTicker(app.engine)
    const stopSweeper = startSweeper({ database, log, jobsKeptDays: env.jobsKeptDays })
    return {
      url: http.url,
      database,
      ownerCredits,
      async stop(graceMs) {
        app.stop()
        stopSweeper()
        await ticker.stop()
        // What is queued from now on waits for another server, or the next start.
        await Promise.all([http.close(graceMs), dispatcher.stop(graceMs)])
        if (isEmbedded) await removeServerAddress(env.dataDir)
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** @throws {EnvError} when there is no one whom schedules could run as. */
function refuseWithoutOwner(env: ServerEnv, { schedules = {} }: AppParts): void {
  const [name] = Object.keys(schedules)
  if (name === undefined || env.ownerUserId !== undefined) return
  throw new EnvError([
    `OWNER_USER_ID: is required by the schedule "${name}": set it to the user id of the app's owner, as whom schedules run`,
  ])
}

async function configuredVerifier(env: ServerEnv, log: Logger): Promise<Verifier> {
  return createVerifier({
    keys: createKeySource(await keyConfig(env), {
      onRefreshFailure: (detail) => log.warn({ detail }, 'The signing keys could not be refreshed'),
    }),
    issuer: env.auth.issuer,
    audience: env.auth.audience,
    authorizedParties: env.auth.kind === 'configured' ? env.auth.authorizedParties : undefined,
  })
}

async function keyConfig(env: ServerEnv): Promise<KeyConfig> {
  if (env.auth.kind === 'configured') return env.auth.key
  const { publicJwk } = await loadDevelopmentKey(env.dataDir)
  return { kind: 'jwk', jwk: publicJwk }
}

/** @throws {EnvError} when the owner's account cannot take what it should start with. */
async function startCredits(
  database: Database,
  { ownerUserId, ownerCredits }: ServerEnv,
): Promise<RunningServer['ownerCredits']> {
  if (ownerUserId === undefined) return undefined
  if (ownerCredits === 'unmetered') return ownerCredits
  const given = await grantOwnerCredits(database, { ownerUserId, ownerCredits })
  if ('granted' in given) return given.granted
  throw new EnvError([`OWNER_CREDITS: ${given.error}`])
}
