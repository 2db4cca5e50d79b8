import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { BlockedUsers } from '../auth/blocked-users.ts'
import type { AddressRange } from '../auth/client-address.ts'
import type { Verifier } from '../auth/verifier.ts'
import { rolesOf } from '../builders/action.ts'
import { NamedActions } from '../builders/named-actions.ts'
import { createJobRunner } from '../builders/run-job.ts'
import { type ErrorHook, ErrorReports } from '../core/error-reports.ts'
import { ObservationFaults } from '../core/observation-faults.ts'
import { guardObserver, type Observer } from '../core/observer.ts'
import type { Database } from '../db/database.ts'
import type { ConsoleSettings } from '../http/console-page.ts'
import type { AnyRoutes } from '../http/custom-routes.ts'
import type { McpSettings } from '../http/engine-endpoints.ts'
import { createHttp, type Http } from '../http/handler.ts'
import { PROCEDURE_ROUTES } from '../http/procedure-routes.ts'
import type { ApiDocs } from '../http/reference-page.ts'
import type { RefusalPace } from '../http/refusal-pacer.ts'
import { createFetch } from '../http/web-exchange.ts'
import type { WebFiles } from '../http/web-files.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import type { HttpClient } from '../integrations/http-client.ts'
import type { Integrations } from '../integrations/integrations.ts'
import { createAuditRows } from '../invocation/audit-row.ts'
import { CallSlots } from '../invocation/call-slots.ts'
import { Changes } from '../invocation/changes.ts'
import type { DryRunOptions } from '../invocation/dry-run/options.ts'
import type { Engine, Failpoint } from '../invocation/engine.ts'
import { FailureRecord } from '../invocation/failure-record.ts'
import { createFingerprint, deriveKey } from '../invocation/fingerprint.ts'
import { guardTracing } from '../invocation/guard-tracing.ts'
import { LiveCalls } from '../invocation/live-calls.ts'
import { DEFAULT_AUDIT_WAIT_MS, DEFAULT_SLOW_CALL_MS } from '../invocation/record-call.ts'
import type { Tracing } from '../invocation/tracing.ts'
import { Turns } from '../invocation/turns.ts'
import { WriteQueue } from '../invocation/write-queue.ts'
import { type Budgets, DEFAULT_BUDGETS } from '../ledger/budgets.ts'
import { Ledger } from '../ledger/ledger.ts'
import { Limiter } from '../limits/limiter.ts'
import { DEFAULT_RATE_LIMITS, type RateLimits } from '../limits/rate-limits.ts'
import { LiveHub, type LivePace } from '../live/live-hub.ts'
import type { LiveLimits } from '../live/seats.ts'
import type { Examine } from '../metrics/examination.ts'
import { type ApiDocument, createDocument } from '../openapi/document.ts'
import type { Schedule } from '../queue/schedule.ts'
import { WakeSignal } from '../queue/wake-signal.ts'
import { createPolicies } from '../records/policy.ts'
import { CallRollup } from '../rollup/call-rollup.ts'
import { type AppProcedures, type CallerOf, createAppRouter } from '../routers/app-router.ts'
import type { Actions } from '../routers/registry.ts'
import { loadBlockChanges } from '../tools/blocked-rows.ts'
import { createCatalog } from '../tools/catalog.ts'
import type { CollectionsOf } from '../tools/types.ts'
import { callablesOf, namesOf } from '../trpc/callable.ts'
import { createRequestContext } from '../trpc/context.ts'
import { DirectReads } from '../trpc/run-as-caller.ts'

/** More than this are left to the ends of their leases. */
const MAX_LATE_RELEASES = 10_000
/** Each may hold some kilobytes of input. */
const MAX_LATE_AUDIT_ROWS = 2_000
/** How many failing calls of one caller a minute have a row and a line of their own. */
const WHOLE_FAILURES = 30

export interface AppOptions<TActions extends object, TModule extends object> {
  readonly database: Database
  /** The exports of `drizzle/collections.ts`. */
  readonly collections: TModule
  readonly actions: TActions & Actions
  readonly integrations: Integrations
  readonly http: HttpClient
  readonly verifier: Verifier
  /** Looks at what the server needs. @default nothing is looked at */
  readonly examine?: Examine | undefined
  readonly log: Logger
  readonly routes?: AnyRoutes | undefined
  /** The front end that is served beside them. @default none */
  readonly webFiles?: WebFiles | undefined
  /** What the app does on its own, by its owner. @default nothing */
  readonly schedules?: readonly Schedule[]
  /** Without it no one passes an owner gate. */
  readonly ownerUserId?: string | undefined
  /** Whether the owner may call as another user, by `Deputy-Act-As`. @default false */
  readonly mayActAs?: boolean
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
  /** How many calls a minute are taken of clients, each that is given in place of its default. @default DEFAULT_RATE_LIMITS */
  readonly rateLimits?: Partial<RateLimits>
  /** The part that one caller may have of whatever calls use, from 0 to 1. @default 0.5 */
  readonly callerShare?: number | undefined
  /** How many streams there may be at once, each that is given in place of its default. @default DEFAULT_LIVE_LIMITS */
  readonly liveLimits?: Partial<LiveLimits> | undefined
  /** How often streams are looked after. @default as LivePace says */
  readonly livePace?: LivePace | undefined
  /** How refusals are held back. @default as RefusalPace says */
  readonly refusalPace?: RefusalPace | undefined
  /** How many failing calls of one caller a minute have an audit row and a line of their own. @default 30 */
  readonly wholeFailures?: number
  /** How many calls may wait to begin. @default 1000 */
  readonly maxWaitingCalls?: number
  /** Who sees what describes the app. @default 'users' */
  readonly apiDocs?: ApiDocs
  /** The console at `/console`. @default it is off */
  readonly console?: ConsoleSettings | undefined
  /** Whether answers are compressed for clients that accept it. @default true */
  readonly isCompressing?: boolean
  /** What is said of `/mcp` outside, and who is believed there. @default what requests say in `Host`, and the verifier */
  readonly mcp?: McpSettings
  /** What all requests may hold together, in bytes. @default a quarter of the heap, from 16 to 256 MiB */
  readonly maxHeldBytes?: number
  /** Keys the fingerprints of inputs: the same in all servers of one database. @default a random one */
  readonly fingerprintKey?: Uint8Array
  /** Calls that take as long, in milliseconds, say in the log what their time went to. @default 1000 */
  readonly slowCallMs?: number | 'none' | undefined
  /** Whether what calls log is kept with their audit. @default true */
  readonly keepsLog?: boolean | undefined
  /** The longest that the answer of a failed call waits for its audit row, in milliseconds. @default 1000 */
  readonly auditWaitMs?: number | undefined
  /** Told of each unexpected error. @default no one is */
  readonly onError?: ErrorHook | undefined
  /** Begins spans. @default nothing does */
  readonly tracing?: Tracing | undefined
  /** Counts what happens. @default nothing does */
  readonly observer?: Observer | undefined
  /** Goes around every exchange, for a test that holds it against the document. @default nothing does */
  readonly aroundAnswer?: (answer: Http['answer'], document: () => string) => Http['answer']
  /** Called at named points of a call. @default does nothing */
  readonly failpoint?: Failpoint
  /** @default the system's clock */
  readonly clock?: () => Date
  /** Milliseconds that the clock of a test is ahead of the database's, for what waits in the queue. Rate limits go by that clock then. @default 0 */
  readonly clockOffsetMs?: () => number
}

export interface CallerOptions {
  /** The caller's Bearer token. Without it the call is anonymous. */
  readonly token?: string
  /** Goes with every mutation that is called: a repeated one is answered as before. */
  readonly idempotencyKey?: string
  /** The user as whom the owner calls, whose token it is. @default the token's user calls */
  readonly actAs?: string
  /** Runs actions up to their COMMIT, takes them back, and answers what they would have done. @default false */
  readonly dryRun?: boolean | DryRunOptions
}

function slowCallMsOf({ slowCallMs = DEFAULT_SLOW_CALL_MS }: Pick<AppOptions<object, object>, 'slowCallMs'>) {
  return slowCallMs === 'none' ? Number.POSITIVE_INFINITY : slowCallMs
}

/** Builds the app from what it is given. It listens to nothing and opens nothing. */
export function createApp<TActions extends object, TModule extends object>(
  options: AppOptions<TActions, TModule>,
) {
  const catalog = createCatalog(options.collections)
  const policies = createPolicies(catalog)
  const actions = new NamedActions(options.actions)
  const clock = options.clock ?? (() => new Date())
  const clockOffsetMs = options.clockOffsetMs ?? (() => 0)
  const fingerprintKey = options.fingerprintKey ?? randomBytes(32)
  const faults = new ObservationFaults(options.log)
  const observer = options.observer && guardObserver(options.observer, faults)
  const auditRowQueue = new WriteQueue({
    maxWaiting: MAX_LATE_AUDIT_ROWS,
    onGivenUp: (invocationId, error) =>
      options.log.error({ invocationId, err: error }, 'The audit row of a call could not be written'),
  })
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
    limiter: new Limiter({
      database: options.database,
      limits: { ...DEFAULT_RATE_LIMITS, ...options.rateLimits },
      clock: options.clockOffsetMs && clock,
      onAway: (error) =>
        options.log.warn(
          { err: error },
          'The limits of all servers cannot be read; this one counts by itself',
        ),
    }),
    turns: new Turns(),
    changes: new Changes(),
    queueSignal: new WakeSignal(),
    callSlots: new CallSlots({
      connections: options.database.connections,
      callerShare: options.callerShare,
      maxWaiting: options.maxWaitingCalls,
      onRefused: (calls) => options.log.warn({ calls }, 'Calls were refused: there were too many at once'),
    }),
    actions,
    jobs: createJobRunner(actions, () => engine),
    schedules: options.schedules ?? [],
    keyReleaseQueue: new WriteQueue({ maxWaiting: MAX_LATE_RELEASES }),
    auditRowQueue,
    failures: new FailureRecord({
      database: options.database,
      auditRowQueue,
      clock,
      log: options.log,
      observer,
      whole: options.wholeFailures ?? WHOLE_FAILURES,
    }),
    fingerprint: createFingerprint(fingerprintKey),
    confirmationMac: createFingerprint(deriveKey(fingerprintKey, 'confirmations')),
    failpoint: options.failpoint ?? (() => {}),
    clock,
    clockOffsetMs,
    slowCallMs: slowCallMsOf(options),
    keepsLog: options.keepsLog ?? true,
    auditWaitMs: options.auditWaitMs ?? DEFAULT_AUDIT_WAIT_MS,
    rollup: new CallRollup({ database: options.database, clock, log: options.log }),
    liveCalls: new LiveCalls(),
    errorReports: new ErrorReports(options.onError, options.log),
    tracing: options.tracing && guardTracing(options.tracing, faults),
    observer,
    log: options.log,
    ownerUserId: options.ownerUserId,
    mayActAs: options.mayActAs ?? false,
    roleClaim: options.roleClaim,
    isOwnerUnmetered: options.isOwnerUnmetered ?? false,
    budgets: options.budgets ?? DEFAULT_BUDGETS,
    appEnv: Object.freeze({ ...options.appEnv, OWNER_USER_ID: options.ownerUserId }),
  }
  const settle = async () => {
    await engine.rollup.stop()
    await engine.failures.stop()
    await engine.limiter.stop()
  }
  const live = new LiveHub({
    engine,
    reads: new DirectReads(engine, 'live'),
    limits: options.liveLimits,
    pace: options.livePace,
  })
  const router = createAppRouter(options.actions, catalog, live, options.examine)
  engine.rollup.know([...namesOf(router), ...actions.all.map(({ name }) => name)])
  let document: ApiDocument | undefined
  /** What describes the app, made once, when it is first asked for. What it leaves open is in the log then. */
  const openApi = (): ApiDocument => {
    document ??= createDocument({
      actions: actions.all,
      catalog,
      callables: callablesOf(router),
      integrations: options.integrations,
      routes: PROCEDURE_ROUTES,
    })
    return document
  }
  let stopping = false
  const served = createHttp({
    engine,
    router,
    routes: options.routes,
    web: options.webFiles,
    actions,
    corsOrigins: options.corsOrigins ?? [],
    trustedProxies: options.trustedProxies ?? [],
    apiDocs: options.apiDocs ?? 'users',
    console: options.console,
    document: () => openApi().text,
    isCompressing: options.isCompressing ?? true,
    maxHeldBytes: options.maxHeldBytes,
    mcp: options.mcp ?? {},
    refusalPace: options.refusalPace,
    isStopping: () => stopping,
  })
  const { aroundAnswer } = options
  const http: Http = aroundAnswer
    ? { ...served, answer: aroundAnswer(served.answer, () => openApi().text) }
    : served

  return {
    engine,
    /** The actions by name and by reference, for what the app runs by itself. */
    actions,
    router,
    /** Describes the app's REST routes. Made once. */
    openApi,
    /** What a server listens with. */
    http,
    /** Answers a request without a server. */
    fetch: createFetch(http),
    /** Writes what calls have left to be written. To be awaited before the database is closed. */
    settle,
    /** The streams of clients. */
    live,
    /** From now on `/readyz` answers 503, connections are not kept, and streams end. */
    stop: () => {
      stopping = true
      live.stop()
    },
    /** Calls procedures in process, with real authentication, gates, validation and transactions. */
    createCaller: (caller: CallerOptions = {}) =>
      // The router has the actions and the collections that the types describe.
      router.createCaller(
        createRequestContext(engine, {
          authorization: caller.token === undefined ? undefined : `Bearer ${caller.token}`,
          transport: 'caller',
          actAs: caller.actAs === undefined ? undefined : encodeURIComponent(caller.actAs),
          dryRun: caller.dryRun === true ? {} : caller.dryRun || undefined,
          idempotency: caller.idempotencyKey === undefined ? undefined : [caller.idempotencyKey],
        }),
      ) as unknown as CallerOf<AppProcedures<TActions, CollectionsOf<TModule>, IntegrationDeclarations>>,
  }
}
