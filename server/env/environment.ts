import { isIP } from 'node:net'
import type { z } from 'zod'
import { NO_AUDIENCE } from '../auth/claims.ts'
import type { AddressRange } from '../auth/client-address.ts'
import { DEVELOPMENT_AUDIENCE, DEVELOPMENT_ISSUER } from '../auth/development-key.ts'
import { createKeySource, type KeyConfig } from '../auth/key-source.ts'
import type { ConsoleSignIn } from '../http/console-sign-in.ts'
import { type IntegrationEnvNames, SECRET_LENGTH_RULE, shortSecrets } from '../integrations/connection.ts'
import type { Budgets } from '../ledger/budgets.ts'
import type { RateLimits } from '../limits/rate-limits.ts'
import type { LiveLimits } from '../live/seats.ts'
import { readConsoleSignIn } from './console.ts'
import { readIntegrationEnv } from './integrations.ts'
import { readLiveLimits } from './live-limits.ts'
import { readBudgets } from './money.ts'
import { readRateLimits } from './rate-limits.ts'
import {
  type API_DOCS,
  KEY_NAMES,
  type LOG_LEVELS,
  type ParsedEnv,
  type POOLER_SETTINGS,
  serverSchema,
} from './schema.ts'

/** How tokens are verified. */
export type AuthEnv =
  | {
      readonly kind: 'configured'
      readonly key: KeyConfig
      readonly issuer: string
      /** One of these; `none` accepts tokens without one. */
      readonly audience: string | readonly string[]
      readonly authorizedParties: readonly string[] | undefined
    }
  /** The server's own key, in development. */
  | { readonly kind: 'development'; readonly issuer: string; readonly audience: string }

export interface ServerEnv {
  readonly host: string
  readonly port: number
  /** Where operators read metrics; without a port they are not counted. */
  readonly metricsHost: string
  readonly metricsPort: number | undefined
  readonly dataDir: string
  readonly databaseUrl: string | undefined
  /** The same database without a pooler in transaction mode. */
  readonly databaseDirectUrl: string | undefined
  /** What is in front of the database. */
  readonly databasePooler: (typeof POOLER_SETTINGS)[number]
  readonly ownerUserId: string | undefined
  /** Whether the owner may call as another user. */
  readonly mayActAs: boolean
  readonly auth: AuthEnv
  /** The public address of `/mcp`, and the audience of tokens that are good there alone. */
  readonly mcpUrl: string | undefined
  /** Where a token says a role. */
  readonly roleClaim: string | undefined
  readonly corsOrigins: readonly string[]
  /** Who sees what describes the app. */
  readonly apiDocs: (typeof API_DOCS)[number]
  /** Whether there is a console at `/console`. */
  readonly hasConsole: boolean
  /** How people sign in to it at an OpenID provider; undefined where they have to have a token. */
  readonly consoleSignIn: ConsoleSignIn | undefined
  /** Whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly AddressRange[]
  /** How many calls a minute are taken of clients. */
  readonly rateLimits: RateLimits
  /** How many streams clients may have open. */
  readonly liveLimits: LiveLimits
  /** How many days jobs are kept that are done. */
  readonly jobsKeptDays: number
  /** The part that one caller may have of whatever calls use, from 0 to 1. */
  readonly callerShare: number
  /** Whether answers are compressed. */
  readonly isCompressing: boolean
  /** Micro-credits that the owner's account starts with. */
  readonly ownerCredits: number | 'unmetered'
  readonly budgets: Budgets
  readonly apiWorkerUrl: URL | undefined
  readonly appOwnerJwt: string | undefined
  /** What the variables are set to that integrations name. */
  readonly integrations: ReadonlyMap<string, string>
  /** `host:port` of upstreams that may have private addresses. */
  readonly allowPrivateUpstreams: readonly string[]
  /** Calls that take as long say in the log what their time went to. */
  readonly slowCallMs: number | 'none'
  /** Whether what calls log is kept with their audit. */
  readonly keepsLog: boolean
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

/** Where the data is. */
export type DatabaseEnv = Pick<ServerEnv, 'databaseUrl' | 'databaseDirectUrl' | 'databasePooler' | 'dataDir'>

/** Everything that is wrong with the environment, a line each. */
export class EnvError extends Error {
  override readonly name = 'EnvError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** Where the embedded database and the development key are kept. */
export const DEFAULT_DATA_DIR = '.deputy'

/** Reads `.env`, where there is one; what is set already wins. */
export function loadDotEnv(): void {
  try {
    process.loadEnvFile('.env')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

/** Whether the process runs in production: NODE_ENV says so. */
export function isProduction(source: NodeJS.ProcessEnv = process.env): boolean {
  return source.NODE_ENV === 'production'
}

const NO_NAMES: IntegrationEnvNames = { urls: [], secrets: [] }

/** Reads the server's environment. @throws {EnvError} naming every variable that is wrong. */
export function readEnv(
  source: NodeJS.ProcessEnv = process.env,
  integrationNames: IntegrationEnvNames = NO_NAMES,
): ServerEnv {
  const problems: string[] = []
  const integrations = readIntegrationEnv(integrationNames, source, problems)
  if (isProduction(source)) {
    const short = shortSecrets(integrationNames, (name) => integrations.get(name))
    problems.push(...short.map((name) => `${name}: ${SECRET_LENGTH_RULE}`))
  }
  const env = parseEnv(serverSchema, source, problems)
  if (!env) throw new EnvError([...problems, ...problemsBeside(problems, source)])
  const dataDir = env.DATA_DIR ?? DEFAULT_DATA_DIR
  checkDatabase(env, problems)
  const auth = readAuth(env, problems)
  const consoleSignIn = readConsoleSignIn(env, problems)
  if (problems.length > 0 || !auth) throw new EnvError(problems)
  return {
    host: env.HOST,
    port: env.PORT,
    metricsHost: env.METRICS_HOST,
    metricsPort: env.METRICS_PORT,
    dataDir,
    ...databaseOf(env),
    ownerUserId: env.OWNER_USER_ID ?? (auth.kind === 'development' ? 'owner' : undefined),
    mayActAs: (env.ACT_AS ?? (auth.kind === 'development' ? 'on' : 'off')) === 'on',
    auth,
    mcpUrl: env.MCP_URL,
    roleClaim: env.AUTH_ROLE_CLAIM,
    corsOrigins: env.CORS_ORIGINS,
    apiDocs: env.API_DOCS ?? (isProduction(source) ? 'users' : 'public'),
    consoleSignIn,
    hasConsole: (env.CONSOLE ?? (auth.kind === 'development' ? 'on' : 'off')) === 'on',
    trustedProxies: env.TRUSTED_PROXIES,
    rateLimits: readRateLimits(env),
    liveLimits: readLiveLimits(env),
    jobsKeptDays: env.JOBS_KEPT_DAYS,
    callerShare: env.CALLER_SHARE,
    isCompressing: env.COMPRESSION === 'on',
    ownerCredits: env.OWNER_CREDITS ?? (auth.kind === 'development' ? 'unmetered' : 0),
    budgets: readBudgets(env),
    apiWorkerUrl: env.API_WORKER_URL,
    appOwnerJwt: env.APP_OWNER_JWT,
    integrations,
    allowPrivateUpstreams: env.ALLOW_PRIVATE_UPSTREAMS,
    slowCallMs: env.SLOW_CALL_MS,
    keepsLog: env.AUDIT_LOG === 'on',
    logLevel: env.LOG_LEVEL,
  }
}

/** Reads the app's own environment by its schema. @throws {EnvError} */
export function readAppEnv<T extends z.ZodObject>(
  schema: T,
  source: NodeJS.ProcessEnv = process.env,
): z.output<T> {
  const problems: string[] = []
  const env = parseEnv(schema, source, problems)
  if (!env) throw new EnvError(problems)
  return env
}

/** Reads the server's and the app's environment. @throws {EnvError} naming everything that is wrong with both. */
export function readWholeEnv<T extends z.ZodObject>(
  appSchema: T,
  integrationNames: IntegrationEnvNames,
  source: NodeJS.ProcessEnv = process.env,
): { readonly env: ServerEnv; readonly appEnv: z.output<T> } {
  const problems: string[] = []
  const env = collect(() => readEnv(source, integrationNames), problems)
  const appEnv = collect(() => readAppEnv(appSchema, source), problems)
  if (!env || !appEnv) throw new EnvError(problems)
  return { env, appEnv }
}

/** What the values that can be read do wrong together, but for what only lacks one that cannot. */
function problemsBeside(problems: readonly string[], source: NodeJS.ProcessEnv): readonly string[] {
  const bad = problems.map((problem) => problem.split(':', 1).join())
  const rest = Object.fromEntries(Object.entries(source).filter(([name]) => !bad.includes(name)))
  const more: string[] = []
  collect(() => readEnv(rest), more)
  return more.filter((problem) => !bad.some((name) => problem.includes(name)))
}

function collect<T>(read: () => T, problems: string[]): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof EnvError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

/** What `deputy token` needs: where the development key is, and whether it is in use at all. */
export function readTokenEnv(source: NodeJS.ProcessEnv = process.env): {
  dataDir: string
  developmentKey: boolean
  reason?: string
} {
  const { dataDir, auth } = readEnv(source)
  if (auth.kind === 'development') return { dataDir, developmentKey: true }
  return {
    dataDir,
    developmentKey: false,
    reason: `Tokens come from your identity provider, since ${KEY_NAMES.find((name) => source[name])} is set.`,
  }
}

/** What a command that works on the data alone needs. @throws {EnvError} */
export function readDatabaseEnv(source: NodeJS.ProcessEnv = process.env): DatabaseEnv {
  const problems: string[] = []
  const schema = serverSchema.pick({
    NODE_ENV: true,
    DATABASE_URL: true,
    DATABASE_DIRECT_URL: true,
    DATABASE_POOLER: true,
    DATA_DIR: true,
  })
  const env = parseEnv(schema, source, problems)
  if (env) checkDatabase(env, problems)
  if (!env || problems.length > 0) throw new EnvError(problems)
  return { ...databaseOf(env), dataDir: env.DATA_DIR ?? DEFAULT_DATA_DIR }
}

/** Where a server serves its metrics. @throws {EnvError} */
export function readMetricsEnv(
  source: NodeJS.ProcessEnv = process.env,
): Pick<ServerEnv, 'metricsHost' | 'metricsPort'> {
  const problems: string[] = []
  const env = parseEnv(serverSchema.pick({ METRICS_HOST: true, METRICS_PORT: true }), source, problems)
  if (!env) throw new EnvError(problems)
  return { metricsHost: env.METRICS_HOST, metricsPort: env.METRICS_PORT }
}

type ParsedDatabase = Pick<
  ParsedEnv,
  'NODE_ENV' | 'DATABASE_URL' | 'DATABASE_DIRECT_URL' | 'DATABASE_POOLER' | 'DATA_DIR'
>

function databaseOf(env: ParsedDatabase): Omit<DatabaseEnv, 'dataDir'> {
  return {
    databaseUrl: env.DATABASE_URL,
    databaseDirectUrl: env.DATABASE_DIRECT_URL,
    databasePooler: env.DATABASE_POOLER,
  }
}

function checkDatabase(env: ParsedDatabase, problems: string[]): void {
  if (env.DATABASE_URL === undefined && env.DATABASE_DIRECT_URL !== undefined)
    problems.push('DATABASE_DIRECT_URL: is set without DATABASE_URL, which is how calls reach the database')
  if (env.NODE_ENV !== 'production' || env.DATABASE_URL !== undefined || env.DATA_DIR !== undefined) return
  problems.push(
    'DATABASE_URL: is required in production (or set DATA_DIR to use the embedded database on purpose)',
  )
}

function parseEnv<T extends z.ZodObject>(
  schema: T,
  source: NodeJS.ProcessEnv,
  problems: string[],
): z.output<T> | undefined {
  // `NAME=` in a compose file means: not set.
  const given = Object.fromEntries(
    Object.entries(source).filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = schema.safeParse(
    Object.fromEntries(
      Object.keys(schema.shape).flatMap((name) => (Object.hasOwn(given, name) ? [[name, given[name]]] : [])),
    ),
  )
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues) problems.push(`${issue.path.join('.')}: ${issue.message}`)
  return undefined
}

function readAuth(env: ParsedEnv, problems: string[]): AuthEnv | undefined {
  const given = KEY_NAMES.filter((name) => env[name] !== undefined)
  if (given.length > 1) return refuse(problems, `${given.join(', ')}: set only one of them`)
  if (given.length === 0) return developmentAuth(env, problems)
  const { AUTH_JWT_ISSUER: issuer, AUTH_JWT_AUDIENCE: audiences = [] } = env
  const [audience] = audiences
  if (issuer === undefined)
    problems.push(`AUTH_JWT_ISSUER: is required with ${given[0]}; it is the "iss" of the tokens`)
  if (audience === undefined) {
    problems.push(
      `AUTH_JWT_AUDIENCE: is required with ${given[0]}; it is the "aud" of the tokens, or none for tokens without one`,
    )
  }
  if (audiences.length > 1 && audiences.includes(NO_AUDIENCE))
    problems.push(
      `AUTH_JWT_AUDIENCE: ${NO_AUDIENCE} stands alone; with it only tokens without "aud" are accepted`,
    )
  if (env.MCP_URL !== undefined && audiences.includes(env.MCP_URL))
    problems.push(
      'AUTH_JWT_AUDIENCE: names MCP_URL, so that a token for agents would be good for everything; tokens with that audience are taken at /mcp without it',
    )
  const key = keyConfig(env)
  const fault = keyFault(key)
  if (fault !== undefined) problems.push(`${given[0]}: ${fault}`)
  if (issuer === undefined || audience === undefined || fault !== undefined) return undefined
  return {
    kind: 'configured',
    key,
    issuer,
    audience: audiences.length === 1 ? audience : audiences,
    authorizedParties: env.AUTH_AUTHORIZED_PARTIES,
  }
}

/** What makes a key unusable; undefined when nothing does. */
function keyFault(key: KeyConfig): string | undefined {
  try {
    createKeySource(key)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function keyConfig(env: ParsedEnv): KeyConfig {
  if (env.AUTH_JWKS_URL !== undefined) return { kind: 'jwks', url: new URL(env.AUTH_JWKS_URL) }
  if (env.AUTH_JWT_PUBLIC_KEY !== undefined) return { kind: 'publicKey', pem: env.AUTH_JWT_PUBLIC_KEY }
  return { kind: 'secret', secret: env.AUTH_JWT_SECRET ?? '' }
}

/** What has no meaning for tokens of the development key. */
const NEEDING_KEY = [
  'AUTH_JWT_ISSUER',
  'AUTH_JWT_AUDIENCE',
  'AUTH_AUTHORIZED_PARTIES',
  'MCP_URL',
  'CONSOLE_OIDC_ISSUER',
] as const

function developmentAuth(env: ParsedEnv, problems: string[]): AuthEnv | undefined {
  const how = `set one of ${KEY_NAMES.join(', ')}`
  if (env.NODE_ENV === 'production')
    return refuse(problems, `${KEY_NAMES.join(', ')}: one is required in production`)
  if (!isLoopback(env.HOST))
    return refuse(
      problems,
      `HOST: ${env.HOST} can be reached from outside, where the development key may not be used; ${how}`,
    )
  const stray = NEEDING_KEY.find((name) => env[name] !== undefined)
  if (stray) return refuse(problems, `${stray}: is set, but no key is; ${how}`)
  return { kind: 'development', issuer: DEVELOPMENT_ISSUER, audience: DEVELOPMENT_AUDIENCE }
}

function refuse(problems: string[], problem: string): undefined {
  problems.push(problem)
  return undefined
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
