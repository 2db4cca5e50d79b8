import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { type Logger, pino } from 'pino'
import { createKeySource } from '../auth/key-source.ts'
import { createVerifier, type Verifier } from '../auth/verifier.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import { createHttpClient } from '../integrations/http-client.ts'
import { type AppOptions, createApp } from '../lifecycle/create-app.ts'
import { type Listening, listen } from '../lifecycle/listen.ts'
import { NO_RATE_LIMITS } from '../limits/rate-limits.ts'
import type { Actions } from '../routers/registry.ts'
import type { TestDatabase } from './open-test-database.ts'
import { createAnsweredIntegrations } from './provider-answers.ts'

const ISSUER = 'https://issuer.test'
const AUDIENCE = 'deputy-test'
/** Longer than any test. */
const AUDIT_WAIT_MS = 3_600_000

/** What an app under test needs of the outside, each with a default that reaches nothing. */
export interface TestSurroundings {
  /** The variables that the integrations name: addresses of stubs, which may be private, and secrets. @default none */
  readonly integrationEnv?: Readonly<Record<string, string>> | undefined
  /** `API_WORKER_URL`. @default none */
  readonly apiWorkerUrl?: string | undefined
  /** `APP_OWNER_JWT`; undefined for none. @default a token of the owner */
  readonly ownerJwt?: string | undefined
  /** undefined for none. @default 'owner' */
  readonly ownerUserId?: string | undefined
}

/** What is assembled: the parts of an app, and what differs from the defaults. */
export interface AssembleOptions<TActions extends object, TModule extends object>
  extends Omit<
      AppOptions<TActions, TModule>,
      'database' | 'verifier' | 'log' | 'integrations' | 'http' | 'ownerUserId'
    >,
    TestSurroundings {
  readonly declarations: IntegrationDeclarations
  /** Says who calls. @default who has a token of the app's own key */
  readonly verifier?: Verifier | undefined
}

/** Assembles an app on a database that is open, with a signing key of its own: `const ada = await app.as('ada')` signs in. */
export async function assembleTestApp<TActions extends object, TModule extends object>(
  opened: TestDatabase,
  options: AssembleOptions<TActions, TModule>,
) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const publicJwk = await exportJWK(publicKey)
  const logged: Record<string, unknown>[] = []
  const token = (userId: string, claims: JWTPayload = {}) =>
    new SignJWT({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: userId,
      exp: Math.floor(Date.now() / 1000) + 3600,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(privateKey)
  const ownerUserId = 'ownerUserId' in options ? options.ownerUserId : 'owner'
  const log: Logger = pino({ level: 'debug' }, collect(logged))
  const variables = new Map(Object.entries(options.integrationEnv ?? {}))
  const http = createHttpClient({
    allowPrivate: privateHosts([
      options.apiWorkerUrl,
      ...variables.values(),
      ...Object.values(options.appEnv ?? {}),
    ]),
  })
  const { integrations, answer } = createAnsweredIntegrations({
    declarations: options.declarations,
    env: (name) => variables.get(name),
    apiWorkerUrl: options.apiWorkerUrl === undefined ? undefined : new URL(options.apiWorkerUrl),
    ownerJwt: 'ownerJwt' in options ? options.ownerJwt : await token('owner'),
    ownerUserId,
    http,
    log,
  })
  const appOptions: AppOptions<TActions, TModule> = {
    fingerprintKey: randomBytes(32),
    // As in development.
    mayActAs: true,
    ...options,
    // A test calls more often than anyone does; what actions say themselves counts.
    rateLimits: { ...NO_RATE_LIMITS, ...options.rateLimits },
    // How long a call takes depends on the machine, and is not what a test is about; its audit row is waited for.
    slowCallMs: options.slowCallMs ?? 'none',
    auditWaitMs: options.auditWaitMs ?? AUDIT_WAIT_MS,
    // Each failure of a test is looked at.
    wholeFailures: options.wholeFailures ?? Number.POSITIVE_INFINITY,
    ownerUserId,
    database: opened.database,
    verifier:
      options.verifier ??
      createVerifier({
        keys: createKeySource({ kind: 'jwk', jwk: publicJwk }),
        issuer: ISSUER,
        audience: AUDIENCE,
      }),
    log,
    http,
    integrations,
  }
  const app = createApp(appOptions)
  let listening: Promise<Listening> | undefined
  return {
    ...app,
    database: opened.database,
    databaseUrl: opened.url,
    /** The same app with other actions, on the same database: as it is deployed later, or beside this one. */
    deploy: <T extends object>(actions: T & Actions) => createApp({ ...appOptions, actions }),
    /** Answers an endpoint in place of its provider. */
    answer,
    /** Everything that was logged, parsed. */
    logged,
    /** A token of this user, with these claims beside the usual ones. */
    token,
    /** The app's procedures as this user. */
    as: async (userId: string, claims?: JWTPayload) =>
      app.createCaller({ token: await token(userId, claims) }),
    /** Serves on a free port and gives its address. */
    async listen() {
      listening ??= listen({ http: app.http, host: '127.0.0.1', port: 0 })
      return (await listening).url
    },
    async [Symbol.asyncDispose]() {
      if (listening) await (await listening).close(1_000)
      await app.settle()
      await http.close()
      await opened[Symbol.asyncDispose]()
    },
  }
}

/** `host:port` of every address among the values. */
function privateHosts(values: readonly unknown[]): string[] {
  return values.flatMap((value) => (URL.canParse(String(value)) ? [new URL(String(value)).host] : []))
}

function collect(lines: Record<string, unknown>[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
}
