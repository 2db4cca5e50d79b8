import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import { type Balance, getBalance } from '../ledger/balance.ts'
import { grant } from '../ledger/grant.ts'
import type { App } from '../lifecycle/define-app.ts'
import { startDispatcher } from '../queue/dispatcher.ts'
import type { Actions } from '../routers/registry.ts'
import { createCatalog } from '../tools/catalog.ts'
import { assembleTestApp, type TestSurroundings } from './assemble.ts'
import { openTestDatabase } from './open-test-database.ts'

const DISPATCH_INTERVAL_MS = 20
const STOP_GRACE_MS = 5_000

/** How an app is set up for a test. */
export interface TestAppOptions extends TestSurroundings {
  /** A PostgreSQL server on which a database may be made for the test; it is dropped again. @default an embedded one */
  readonly databaseUrl?: string | undefined
  /** The variables that `server/env.ts` declares, as the environment has them. @default none */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** @default the system's clock */
  readonly clock?: () => Date
}

/**
 * Makes an app for a test: all of it, in process, on a fresh database, with real authentication and transactions.
 * Nothing is listened to, and nothing is sent, until the test asks for it.
 *
 * ```ts
 * await using app = await createTestApp(myApp)
 * const ada = await app.as('ada')
 * await ada.actions.createEvent({ … })
 * ```
 */
export async function createTestApp<
  TActions extends object,
  TCollections extends object,
  TIntegrations extends IntegrationDeclarations,
  TEnv extends z.ZodObject,
>(parts: App<TActions, TCollections, TIntegrations, TEnv>, options: TestAppOptions = {}) {
  const { databaseUrl, env, ...surroundings } = options
  const tables = [...createCatalog(parts.collections).keys()]
  const migrations = fileURLToPath(parts.migrations)
  const opened = await openTestDatabase({ tables, migrations }, databaseUrl)
  const { collections, routes } = parts
  const app = await assembleTestApp(opened, {
    ...surroundings,
    // What `defineApp` was given.
    actions: parts.actions as TActions & Actions,
    collections,
    routes,
    declarations: parts.integrations,
    appEnv: parts.env.parse(env ?? {}),
  })
  const running: (() => Promise<void>)[] = []
  return {
    /** The app's procedures as this user, whose token may say more: `await app.as('ada', { email: … })`. */
    as: app.as,
    /** The app's procedures with options of their own: without a token, or with an idempotency key. */
    createCaller: app.createCaller,
    /** A token of this user. */
    token: app.token,
    /** Answers a request without a socket. */
    fetch: app.fetch,
    /** Serves on a free port and gives its address. */
    listen: app.listen,
    /** Everything that was logged, parsed. */
    logged: app.logged,
    /** Gives an account credits, in whole micro-credits. */
    async fund(account: string, amount: number): Promise<void> {
      const funded = await grant(app.database, { account, amount, key: randomUUID(), grantedBy: null })
      if (!funded.success) throw new Error(funded.error)
    },
    /** What an account holds, in whole micro-credits. */
    balance: (account: string): Promise<Balance> => getBalance(app.database, account),
    /**
     * Runs one SQL statement beside the app, to set a scene or to look at what came of a call, and commits it.
     *
     * @returns its rows, each a list of values in the order of the columns
     */
    async sql(text: string, params: readonly unknown[] = []): Promise<readonly (readonly unknown[])[]> {
      return (await app.database.write({ sql: text, params: [...params] })).rows
    },
    /** Sends queued messages from now on, as a server does, until it is stopped. */
    startDispatcher(): { readonly stop: () => Promise<void> } {
      const dispatcher = startDispatcher({ ...app.engine, intervalMs: DISPATCH_INTERVAL_MS })
      const stop = () => dispatcher.stop(STOP_GRACE_MS)
      running.push(stop)
      return { stop }
    },
    async [Symbol.asyncDispose]() {
      for (const stop of running) await stop()
      await app[Symbol.asyncDispose]()
    },
  }
}
