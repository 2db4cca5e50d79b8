import { PROGRAMS } from './build.ts'
import { type Child, startChild } from './child.ts'
import type { BenchDatabase } from './database.ts'
import { OWNER, type Tokens } from './tokens.ts'

/** A server that is measured, in a process of its own. */
export interface Server extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  readonly database: BenchDatabase
}

export interface ServerOptions {
  readonly database: BenchDatabase
  readonly tokens: Tokens
  /** The provider's address. */
  readonly providerUrl: string
  readonly profileDirectory?: string | undefined
  /** What differs in the environment. @default nothing */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Whether the limits of every app are on. @default false */
  readonly isLimited?: boolean
}

/** More than any run spends; counted all the same. */
const PLENTY = '8000000000000000'
/** A few users send all that is measured. */
const UNLIMITED = {
  RATE_LIMIT_USER: 'none',
  RATE_LIMIT_ANONYMOUS: 'none',
  RATE_LIMIT_FAILING: 'none',
  RATE_LIMIT_INTEGRATIONS: 'none',
}
/** Of a page that may call Deputy. */
export const PAGE_ORIGIN = 'https://page.example.com'

export async function startDeputy(options: ServerOptions): Promise<Server> {
  const { database, tokens, providerUrl, profileDirectory, isLimited = false } = options
  const env = {
    PORT: '0',
    DATABASE_URL: database.url,
    AUTH_JWT_PUBLIC_KEY: tokens.publicKeyPem,
    AUTH_JWT_ISSUER: tokens.issuer,
    AUTH_JWT_AUDIENCE: tokens.audience,
    CORS_ORIGINS: PAGE_ORIGIN,
    OWNER_USER_ID: OWNER,
    OWNER_CREDITS: PLENTY,
    BUDGET_CALLER_CALLS: PLENTY,
    BUDGET_CALLER_CREDITS: PLENTY,
    BUDGET_ACTION_CALLS: PLENTY,
    BUDGET_ACTION_CREDITS: PLENTY,
    BUDGET_APP_CALLS: PLENTY,
    BUDGET_APP_CREDITS: PLENTY,
    ...(isLimited ? {} : UNLIMITED),
    PROVIDER_BASE_URL: providerUrl,
    ALLOW_PRIVATE_UPSTREAMS: new URL(providerUrl).host,
    ...options.env,
  }
  return asServer(await startChild(PROGRAMS.deputy, { env, profileDirectory }), database)
}

export async function startBaseline(options: ServerOptions): Promise<Server> {
  const { database, tokens, providerUrl, profileDirectory } = options
  const env = {
    DATABASE_URL: database.url,
    PUBLIC_KEY: tokens.publicKeyPem,
    ISSUER: tokens.issuer,
    AUDIENCE: tokens.audience,
    PROVIDER_BASE_URL: providerUrl,
  }
  return asServer(await startChild(PROGRAMS.baseline, { env, profileDirectory }), database)
}

function asServer(child: Child, database: BenchDatabase): Server {
  return {
    url: urlOf(child),
    pid: child.pid,
    database,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

/** The address that a program said it listens on. @throws {Error} when it said something else. */
export function urlOf({ ready }: Child): string {
  if (typeof ready === 'object' && ready !== null && 'url' in ready) return String(ready.url)
  throw new Error('The program did not say where it listens')
}
