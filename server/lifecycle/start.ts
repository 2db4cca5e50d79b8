import type { Logger } from 'pino'
import { loadDevelopmentKey } from '../auth/development-key.ts'
import { createKeySource, type KeyConfig } from '../auth/key-source.ts'
import { createVerifier, type Verifier } from '../auth/verifier.ts'
import { DefinitionError } from '../core/errors.ts'
import type { Database } from '../db/database.ts'
import { EnvError, type ServerEnv } from '../env/environment.ts'
import { DOCUMENT_NAME } from '../http/document-endpoint.ts'
import { integrationEnv, SECRET_LENGTH_RULE, shortSecrets } from '../integrations/connection.ts'
import { unreachableIntegrations } from '../integrations/unreachable-integrations.ts'
import { grantOwnerCredits } from '../ledger/owner-credits.ts'
import { MCP_NAMES } from '../mcp/service.ts'
import type { Metrics } from '../metrics/create-metrics.ts'
import { createLiveReport, type LiveReport } from '../metrics/live-report.ts'
import type { MetricsListener } from '../metrics/metrics-listener.ts'
import { createQueueFigures } from '../metrics/queue-figures.ts'
import { type ApiDocument, formatGap } from '../openapi/document.ts'
import { startDispatcher } from '../queue/dispatcher.ts'
import { startTicker } from '../queue/schedule-ticker.ts'
import { loadTracing } from '../tracing/open-telemetry.ts'
import { namesOf } from '../trpc/callable.ts'
import type { AppParts } from './define-app.ts'
import { integrationReach } from './integration-reach.ts'
import { ListenError, listen } from './listen.ts'
import { openApp } from './open-app.ts'
import { noteServerAddress, removeServerAddress } from './server-address.ts'
import { startSweeper } from './sweeper.ts'

/** How long a stop waits for what tells of errors. */
const REPORTS_GRACE_MS = 2_000

export interface StartOptions {
  readonly env: ServerEnv
  readonly app: AppParts
  /** What `ctx.env` shows. */
  readonly appEnv: Readonly<Record<string, unknown>>
  readonly log: Logger
  /** Whether a schema that the OpenAPI document cannot describe keeps the server from starting. @default false */
  readonly isStrict?: boolean | undefined
}

export interface RunningServer {
  readonly url: string
  /** Where operators read metrics; undefined where METRICS_PORT is not set. */
  readonly metricsUrl: string | undefined
  readonly database: Database
  /** Tells what it is doing at the moment. */
  live(): Promise<LiveReport>
  /** Tells the app of an error that came to no one. */
  report(error: unknown): void
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
  const metrics = env.metricsPort === undefined ? undefined : await loadMetrics()
  const tracing = await loadTracing()
  const { app, database, close } = await openApp({
    ...options,
    ...(await configuredVerifiers(env, log)),
    tracing,
    observer: metrics?.observer,
    prepare: async (opened) => {
      ownerCredits = await startCredits(opened, env)
    },
  })
  let operators: MetricsListener | undefined
  try {
    const readFigures = createQueueFigures(app.engine)
    const live = createLiveReport(app.engine, readFigures)
    const names = {
      actions: [
        ...namesOf(app.router),
        ...app.actions.all.map(({ name }) => name),
        ...Object.values(MCP_NAMES),
        DOCUMENT_NAME,
      ],
      integrations: Object.keys(parts.integrations),
    }
    metrics?.watch(app.engine, names, readFigures, () => app.live.counts.streams)
    const reach = integrationReach(env, parts.integrations)
    for (const name of shortSecrets(integrationEnv(parts.integrations), reach.env))
      log.warn(`${name} ${SECRET_LENGTH_RULE}; with NODE_ENV=production the server does not start with it`)
    const unreachable = unreachableIntegrations(reach)
    if (unreachable.length > 0) log.warn(`Integrations that cannot be called: ${unreachable.join('; ')}`)
    tellGaps(options, app.openApi)
    const isEmbedded = database.kind === 'pglite'
    if (isEmbedded) await removeServerAddress(env.dataDir)
    operators = metrics && (await listenToOperators(env, log, metrics, live))
    const http = await listen({ http: app.http, host: env.host, port: env.port })
    if (isEmbedded) await noteServerAddress(env.dataDir, http.url)
    app.engine.rollup.start()
    const dispatcher = startDispatcher(app.engine)
    const ticker = await startTicker(app.engine)
    const stopSweeper = startSweeper({ database, log, jobsKeptDays: env.jobsKeptDays })
    return {
      url: http.url,
      metricsUrl: operators?.url,
      live,
      report: (error) => app.engine.errorReports.report(error, { kind: 'server' }),
      database,
      ownerCredits,
      async stop(graceMs) {
        app.stop()
        stopSweeper()
        await ticker.stop()
        // What is queued from now on waits for another server, or the next start.
        await Promise.all([http.close(graceMs), dispatcher.stop(graceMs)])
        if (isEmbedded) await removeServerAddress(env.dataDir)
        await app.engine.errorReports.settle(REPORTS_GRACE_MS)
        await operators?.close()
        await close()
      },
    }
  } catch (error) {
    await operators?.close()
    await close()
    throw error
  }
}

/** Says what describes nothing: a schema that JSON Schema cannot express. @throws {DefinitionError} where it must not be */
function tellGaps({ env, log, isStrict = false }: StartOptions, openApi: () => ApiDocument): void {
  if (env.apiDocs === 'off' && !isStrict) return
  const gaps = openApi().gaps.map(formatGap)
  if (isStrict && gaps.length > 0) throw new DefinitionError(gaps.join('\n'))
  for (const gap of gaps) log.warn(gap)
}

/** Imported where they are asked for: they take memory, and time at the start. */
async function loadMetrics(): Promise<Metrics> {
  const { createMetrics } = await import('../metrics/create-metrics.ts')
  return createMetrics({ isForProcess: true })
}

/** @throws {ListenError} when the address cannot be had. */
async function listenToOperators(
  { metricsHost: host, metricsPort: port = 0 }: ServerEnv,
  log: Logger,
  { scrape }: Metrics,
  live: () => Promise<LiveReport>,
): Promise<MetricsListener> {
  const { listenForOperators, METRICS_TYPE } = await import('../metrics/metrics-listener.ts')
  const pages = new Map([
    ['/metrics', { contentType: METRICS_TYPE, write: scrape }],
    [
      '/live',
      { contentType: 'application/json', write: async () => `${JSON.stringify(await live(), null, 2)}\n` },
    ],
  ])
  return listenForOperators({ host, port, pages, log }).catch((error: Error) => {
    throw new ListenError(error, 'METRICS_HOST and METRICS_PORT')
  })
}

/** @throws {EnvError} when there is no one whom schedules could run as. */
function refuseWithoutOwner(env: ServerEnv, { schedules = {} }: AppParts): void {
  const [name] = Object.keys(schedules)
  if (name === undefined || env.ownerUserId !== undefined) return
  throw new EnvError([
    `OWNER_USER_ID: is required by the schedule "${name}": set it to the user id of the app's owner, as whom schedules run`,
  ])
}

/** With MCP_URL, tokens of agents are for `/mcp` alone, and are good nowhere else (RFC 8707). */
async function configuredVerifiers(
  env: ServerEnv,
  log: Logger,
): Promise<{ readonly verifier: Verifier; readonly agentVerifier: Verifier | undefined }> {
  const common = {
    keys: createKeySource(await keyConfig(env), {
      onRefreshFailure: (detail) => log.warn({ detail }, 'The signing keys could not be refreshed'),
    }),
    issuer: env.auth.issuer,
    authorizedParties: env.auth.kind === 'configured' ? env.auth.authorizedParties : undefined,
  }
  const { mcpUrl } = env
  return {
    verifier: createVerifier({ ...common, audience: env.auth.audience }),
    agentVerifier: mcpUrl === undefined ? undefined : createVerifier({ ...common, audience: mcpUrl }),
  }
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
