import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { callAsApp } from '../builders/call-as-app.ts'
import { NamedActions } from '../builders/named-actions.ts'
import { resolveSchedules } from '../builders/schedules.ts'
import type { ErrorHook } from '../core/error-reports.ts'
import type { ActionResult, Failure } from '../core/result.ts'
import { SqlError } from '../db/database.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import { type Balance, getBalance } from '../ledger/balance.ts'
import { grant } from '../ledger/grant.ts'
import type { App } from '../lifecycle/define-app.ts'
import type { RateLimits } from '../limits/rate-limits.ts'
import { type DoneWork, doAllDue, startDispatcher } from '../queue/dispatcher.ts'
import { listMessages, type OutboxEntry } from '../queue/list.ts'
import { type JobEntry, listJobs } from '../queue/list-jobs.ts'
import { syncSchedules } from '../queue/schedule-rows.ts'
import { tickDue } from '../queue/schedule-ticker.ts'
import type { Actions } from '../routers/registry.ts'
import type { ActionReference } from '../tools/action-reference.ts'
import { createCatalog } from '../tools/catalog.ts'
import { DirectReads } from '../trpc/run-as-caller.ts'
import { assembleTestApp, type TestSurroundings } from './assemble.ts'
import { openTestDatabase } from './open-test-database.ts'
import type { Providers } from './provider-answers.ts'

const DISPATCH_INTERVAL_MS = 20
const STOP_GRACE_MS = 5_000

/** How an app is set up for a test. */
export interface TestAppOptions extends TestSurroundings {
  /** A PostgreSQL server on which a database may be made for the test; it is dropped again. @default an embedded one */
  readonly databaseUrl?: string | undefined
  /** The variables that `server/env.ts` declares, as the environment has them. @default none */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** How many calls a minute are taken of clients. @default none of these limits; those of actions count */
  readonly rateLimits?: Partial<RateLimits> | undefined
  /** Told of unexpected errors; the app's own hook is not, so that a test sends nothing. @default no one is */
  readonly onError?: ErrorHook | undefined
  /** @default the system's clock */
  readonly clock?: () => Date
}

/** As whom an action is run. */
export interface RunOptions {
  /** A user's id. @default no one */
  readonly as?: string
}

/** Something that was done because it was due. */
export interface DueWork {
  readonly kind: 'job' | 'message' | 'grant'
  readonly id: string
  /** The action, the endpoint, or `grantCredits`. */
  readonly name: string
  /** `later`: it failed, and is tried again; `failed`: it was given up. */
  readonly outcome: 'done' | 'later' | 'failed'
  /** Why it failed. */
  readonly error?: string
}

function toDueWork({ work, outcome }: DoneWork): DueWork {
  const { kind, id } = work
  const name = kind === 'job' ? work.name : kind === 'message' ? work.endpoint : 'grantCredits'
  if (!outcome) return { kind, id, name, outcome: 'later', error: 'Another server has taken it over' }
  if (outcome.kind === 'done') return { kind, id, name, outcome: 'done' }
  return { kind, id, name, outcome: outcome.kind === 'dead' ? 'failed' : 'later', error: outcome.error }
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
  const { databaseUrl, env, rateLimits = {}, ...surroundings } = options
  const tables = [...createCatalog(parts.collections).keys()]
  const migrations = fileURLToPath(parts.migrations)
  // What is refused of the app is refused before there is a database.
  const appEnv = parts.env.parse(env ?? {})
  const schedules = await resolveSchedules(parts.schedules ?? {}, new NamedActions(parts.actions))
  const opened = await openTestDatabase({ tables, migrations }, databaseUrl)
  const { collections, routes } = parts
  let offsetMs = 0
  const { clock = () => new Date() } = options
  let conflicts = 0
  const app = await assembleTestApp(opened, {
    ...surroundings,
    rateLimits,
    clock: () => new Date(clock().getTime() + offsetMs),
    clockOffsetMs: () => offsetMs,
    failpoint(name) {
      if (name !== 'before-commit' || conflicts === 0) return
      conflicts -= 1
      throw new SqlError({ sqlstate: '40001' })
    },
    // What `defineApp` was given.
    actions: parts.actions as TActions & Actions,
    collections,
    routes,
    schedules,
    declarations: parts.integrations,
    appEnv,
  }).catch(async (error: unknown) => {
    await opened[Symbol.asyncDispose]()
    throw error
  })
  const providers: Providers<TIntegrations> = { answer: app.answer }
  await syncSchedules(app.engine)
  const running: (() => Promise<void>)[] = []
  const reads = new DirectReads(app.engine, 'test')
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
    /** Runs an action as the app does, without a token; one that no client can call, too. */
    async run<TInput, TResult extends ActionResult<unknown>>(
      action: ActionReference<TInput, TResult>,
      input: NoInfer<TInput>,
      { as }: RunOptions = {},
    ): Promise<TResult | Failure> {
      const found = app.actions.referred(action)
      if (!found) throw new TypeError('run: takes an action of the app, by reference')
      const userId = as === undefined ? null : as
      const result = await callAsApp(app.engine, found, { source: 'command', userId, readInput: () => input })
      return result as never // The action's own result, or a failure.
    },
    providers,
    clock: {
      /** Lets time go by, for the app and for what waits in its queue. */
      advance(ms: number): void {
        if (!(ms >= 0)) throw new RangeError('advance: takes milliseconds, and time goes forwards alone')
        offsetMs += ms
      },
    },
    /** Does everything that is due now: jobs, messages, grants, ticks of schedules. @returns what was done, in order */
    async runDue(): Promise<readonly DueWork[]> {
      await tickDue(app.engine)
      return (await doAllDue(app.engine)).map(toDueWork)
    },
    /** All jobs, newest first, those that are done among them. */
    async jobs(): Promise<readonly JobEntry[]> {
      const page = await listJobs(reads, app.engine, { limit: 200 })
      if (!page.success) throw new Error(page.error)
      return page.data.jobs
    },
    /** All messages that have not been sent, newest first. */
    async outbox(): Promise<readonly OutboxEntry[]> {
      const page = await listMessages(reads, app.engine.integrations, { limit: 200 })
      if (!page.success) throw new Error(page.error)
      return page.data.messages
    },
    /** Makes the next COMMIT a conflict, so that its action is run again. */
    conflictOnce(): void {
      conflicts += 1
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
