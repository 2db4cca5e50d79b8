import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { BlockedUsers } from '../auth/blocked-users.ts'
import type { AddressRange } from '../auth/client-address.ts'
import type { Verifier } from '../auth/verifier.ts'
import { rolesOf } from '../builders/action.ts'
import { NamedActions } from '../builders/named-actions.ts'
import { createJobRunner } from '../builders/run-job.ts'
import type { Database } from '../db/database.ts'
import type { AnyRoutes } from '../http/custom-routes.ts'
import { createHttp } from '../http/handler.ts'
import { DEFAULT_CALLS_PER_MINUTE } from '../http/rate-limit.ts'
import { createFetch } from '../http/web-exchange.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import type { HttpClient } from '../integrations/http-client.ts'
import type { Integrations } from '../integrations/integrations.ts'
import { createAuditRows } from '../invocation/audit-row.ts'
import type { DryRunOptions } from '../invocation/dry-run/options.ts'
import type { Engine, Failpoint } from '../invocation/engine.ts'
import { createFingerprint } from '../invocation/fingerprint.ts'
import { Turns } from '../invocation/turns.ts'
import { WriteQueue } from '../invocation/write-queue.ts'
import { type Budgets, DEFAULT_BUDGETS } from '../ledger/budgets.ts'
import { Ledger } from '../ledger/ledger.ts'
import { ClientCalls } from '../queue/client-calls.ts'
import type { Schedule } from '../queue/schedule.ts'
import { WakeSignal } from '../queue/wake-signal.ts'
import { createPolicies } from '../records/policy.ts'
import { type AppProcedures, type CallerOf, createAppRouter } from '../routers/app-router.ts'
import type { Actions } from '../routers/registry.ts'
import { loadBlockChanges } from '../tools/blocked-rows.ts'
import { createCatalog } from '../tools/catalog.ts'
import type { CollectionsOf } from '../tools/types.ts'
import { createRequestContext } from '../trpc/context.ts'

/** More than this are left to the ends of their leases. */
const MAX_LATE_RELEASES = 10_000
/** Each may hold some kilobytes of input. */
const MAX_LATE_AUDIT_ROWS = 2_000

export interface AppOptions<TActions extends object, TModule extends object> {
  readonly database: Database
  /** The exports of `drizzle/collections.ts`. */
  readonly collections: TModule
  readonly actions: TActions & Actions
  readonly integrations: Integrations
  readonly http: HttpClient
  readonly verifier: Verifier
  readonly log: Logger
  readonly routes?: AnyRoutes | undefined
  /** What the app does on its own, by its owner. @default nothing */
  readonly schedules?: readonly Schedule[]
  /** Without it no one passes an owner gate. */
  readonly ownerUserId?: string | undefined
  /** The path of a claim that says the role of a user whose row says none: `realm_access.roles`. @default none */
  readonly roleClaim?: string | undefined
  /** Whether the owner's account has no limit. @default false */
  readonly isOwnerUnmetered?: boolean
  /** What may be spent of the owner's money in a day. @default DEFAULT_BUDGETS */
  readonly budgets?: Budgets
  /** What `ctx.env` shows. @default {} */
  readonly appEnv?: Readonly<Record<string, unknown>>
  /** Origins that browsers may call from. @default none */
  readonly corsOrigins?: readonly string[]
  /** Proxies whose `X-Forwarded-For` is believed. @default none */
  readonly trustedProxies?: readonly AddressRange[]
  /** How often a minute one address may call integrations without an action. @default 60 */
  readonly clientRateLimit?: number | 'none'
  /** Whether answers are compressed for clients that accept it. @default true */
  readonly isCompressing?: boolean
  /** What all requests may hold together, in bytes. @default a quarter of the heap, from 16 to 256 MiB */
  readonly maxHeldBytes?: number
  /** Keys the fingerprints of inputs: the same in all servers of one database. @default a random one */
  readonly fingerprintKey?: Uint8Array
  /** Called at named points of a call. @default does nothing */
  readonly failpoint?: Failpoint
  /** @default the system's clock */
  readonly clock?: () => Date
  /** Milliseconds that the clock of a test is ahead of the database's, for what waits in the queue. @default 0 */
  readonly clockOffsetMs?: () => number
}

export interface CallerOptions {
  /** The caller's Bearer token. Without it the call is anonymous. */
  readonly token?: string
  /** Goes with every mutation that is called: a repeated one is answered as before. */
  readonly idempotencyKey?: string
  /** Runs actions up to their COMMIT, takes them back, and answers what they would have done. @default false */
  readonly dryRun?: boolean | DryRunOptions
}

/** Builds the app from what it is given. It listens to nothing and opens nothing. */
export function createApp<TActions extends object, TModule extends object>(
  options: AppOptions<TActions, TModule>,
) {
  const catalog = createCatalog(options.collections)
  const policies = createPolicies(catalog)
  const actions = new NamedActions(options.actions)
  const engine: Engine = {
    catalog,
    policies,
    roles: rolesOf(policies, options.actions),
    database: options.database,
    ledger: new Ledger(options.database),
    auditRows: createAuditRows(options.database),
    verifier: options.verifier,
    blockedUsers: new BlockedUsers({
      load: (since) => loadBlockChanges(options.database, since),
      isShared: options.database.kind === 'postgres',
      ownerUserId: options.ownerUserId,
      onLoadFailure: (error) => options.log.warn({ err: error }, 'It could not be read who is blocked'),
    }),
    integrations: options.integrations,
    http: options.http,
    turns: new Turns(),
    queueSignal: new WakeSignal(),
    clientCalls: new ClientCalls(),
    actions,
    jobs: createJobRunner(actions, () => engine),
    schedules: options.schedules ?? [],
    keyReleaseQueue: new WriteQueue({ maxWaiting: MAX_LATE_RELEASES }),
    auditRowQueue: new WriteQueue({
      maxWaiting: MAX_LATE_AUDIT_ROWS,
      onGivenUp: (invocationId, error) =>
        options.log.error({ invocationId, err: error }, 'The audit row of a call could not be written'),
    }),
    fingerprint: createFingerprint(options.fingerprintKey ?? randomBytes(32)),
    failpoint: options.failpoint ?? (() => {}),
    clock: options.clock ?? (() => new Date()),
    clockOffsetMs: options.clockOffsetMs ?? (() => 0),
    log: options.log,
    ownerUserId: options.ownerUserId,
    roleClaim: options.roleClaim,
    isOwnerUnmetered: options.isOwnerUnmetered ?? false,
    budgets: options.budgets ?? DEFAULT_BUDGETS,
    appEnv: Object.freeze({ ...options.appEnv, OWNER_USER_ID: options.ownerUserId }),
  }
  const router = createAppRouter(options.actions, catalog)
  let stopping = false
  const http = createHttp({
    engine,
    router,
    routes: options.routes,
    actions,
    corsOrigins: options.corsOrigins ?? [],
    trustedProxies: options.trustedProxies ?? [],
    clientRateLimit: options.clientRateLimit ?? DEFAULT_CALLS_PER_MINUTE,
    isCompressing: options.isCompressing ?? true,
    maxHeldBytes: options.maxHeldBytes,
    isStopping: () => stopping,
  })

  return {
    engine,
    /** The actions by name and by reference, for what the app runs by itself. */
    actions,
    router,
    /** What a server listens with. */
    http,
    /** Answers a request without a server. */
    fetch: createFetch(http.answer),
    /** From now on `/readyz` answers 503 and connections are not kept. */
    stop: () => {
      stopping = true
    },
    /** Calls procedures in process, with real authentication, gates, validation and transactions. */
    createCaller: (caller: CallerOptions = {}) =>
      // The router has the actions and the collections that the types describe.
      router.createCaller(
        createRequestContext(engine, {
          authorization: caller.token === undefined ? undefined : `Bearer ${caller.token}`,
          transport: 'caller',
          dryRun: caller.dryRun === true ? {} : caller.dryRun || undefined,
          idempotency: caller.idempotencyKey === undefined ? undefined : [caller.idempotencyKey],
        }),
      ) as unknown as CallerOf<AppProcedures<TActions, CollectionsOf<TModule>, IntegrationDeclarations>>,
  }
}
