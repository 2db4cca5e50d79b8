import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { pino } from 'pino'
import { composition } from '../../server/app.ts'
import { createKeySource } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import type { PostgresOptions } from '../../server/db/postgres.ts'
import { createIntegrations } from '../../server/integrations/create.ts'
import type { IntegrationDeclarations } from '../../server/integrations/declare.ts'
import { createHttpClient } from '../../server/integrations/http-client.ts'
import { type AppOptions, createApp } from '../../server/lifecycle/create-app.ts'
import { type Listening, listen } from '../../server/lifecycle/listen.ts'
import type { Actions } from '../../server/routers/registry.ts'
import { openTestDatabase } from './database.ts'

const ISSUER = 'https://issuer.test'
const AUDIENCE = 'deputy-test'

type Defaults = typeof composition.actions
type Module = Readonly<Record<string, unknown>>
type DefaultModule = typeof composition.collections

export interface TestAppOptions<TActions extends Actions, TModule extends Module>
  extends Partial<
    Omit<AppOptions<TActions, TModule>, 'database' | 'verifier' | 'log' | 'integrations' | 'http'>
  > {
  /** @default the app's */
  readonly integrations?: IntegrationDeclarations
  /** The variables that the declarations name. Where they hold addresses, those may be private. @default none */
  readonly integrationEnv?: Readonly<Record<string, string>>
  /** `API_WORKER_URL`. @default none */
  readonly apiWorkerUrl?: string
  /** @default a token of the owner */
  readonly ownerJwt?: string | undefined
  /** Of the database's pool, where there is one. */
  readonly pool?: Omit<PostgresOptions, 'url'>
}

/** The whole app on a fresh database, with keys of its own: `const ada = await app.as('ada')` signs in. */
export async function createTestApp<
  TActions extends Actions = Defaults,
  TModule extends Module = DefaultModule,
>(options: TestAppOptions<TActions, TModule> = {}) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const publicJwk = await exportJWK(publicKey)
  const opened = await openTestDatabase(options.pool)
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
  const log = pino({ level: 'debug' }, collect(logged))
  const variables = new Map(Object.entries(options.integrationEnv ?? {}))
  const http = createHttpClient({
    allowPrivate: privateHosts([
      options.apiWorkerUrl,
      ...variables.values(),
      ...Object.values(options.appEnv ?? {}),
    ]),
  })
  const appOptions: AppOptions<TActions, TModule> = {
    // A test that names no actions or collections of its own tests the app's.
    actions: composition.actions as unknown as TActions,
    collections: composition.collections as unknown as TModule,
    routes: composition.routes,
    fingerprintKey: randomBytes(32),
    ...options,
    appEnv: { ...composition.appEnv.parse({}), ...options.appEnv },
    ownerUserId,
    database: opened.database,
    verifier: createVerifier({
      keys: createKeySource({ kind: 'jwk', jwk: publicJwk }),
      issuer: ISSUER,
      audience: AUDIENCE,
    }),
    log,
    http,
    integrations: createIntegrations({
      declarations: options.integrations ?? composition.integrations,
      env: (name) => variables.get(name),
      apiWorkerUrl: options.apiWorkerUrl === undefined ? undefined : new URL(options.apiWorkerUrl),
      ownerJwt: 'ownerJwt' in options ? options.ownerJwt : await token('owner'),
      ownerUserId,
      http,
      log,
    }),
  }
  const app = createApp(appOptions)
  let listening: Promise<Listening> | undefined
  return {
    ...app,
    database: opened.database,
    databaseUrl: opened.url,
    /** The same app with other actions, on the same database: as it is deployed later, or beside this one. */
    deploy: <T extends Actions>(actions: T) => createApp({ ...appOptions, actions }),
    /** Everything that was logged, parsed. */
    logged,
    token,
    /** The app's procedures as this user. */
    as: async (userId: string, claims?: JWTPayload) =>
      app.createCaller({ token: await token(userId, claims) }),
    /** Serves on a free port and gives its address. */
    async listen() {
      listening ??= listen({
        fetch: app.fetch,
        fastPath: app.fastPath,
        held: app.held,
        bodyLimits: app.bodyLimits,
        host: '127.0.0.1',
        port: 0,
      })
      return (await listening).url
    },
    async [Symbol.asyncDispose]() {
      if (listening) await (await listening).close(1_000)
      await http.close()
      await opened[Symbol.asyncDispose]()
    },
  }
}

/** The test app of the app's own actions. */
export type TestApp = Awaited<ReturnType<typeof createTestApp<Defaults, DefaultModule>>>

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
