import type { Hono } from 'hono'
import { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import { verifiedUser } from '../auth/authentication.ts'
import { type AnyContext, createActionContext, type QueryContext } from '../builders/action-context.ts'
import type { AppTypes } from '../builders/app-types.ts'
import { callAsApp, noOwner } from '../builders/call-as-app.ts'
import type { NamedActions } from '../builders/named-actions.ts'
import { type ActionResult, type Failure, fail } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import { runCall } from '../invocation/call.ts'
import type { Engine } from '../invocation/engine.ts'
import { ROUTE_KEYS } from '../invocation/idempotency.ts'
import { countsAsFailing } from '../limits/failing.ts'
import { quotaHeaders } from '../limits/quota.ts'
import type { ActionReference } from '../tools/action-reference.ts'
import { createCall } from '../trpc/call.ts'
import { callProcedure, resultOf } from '../trpc/callable.ts'
import { createRequestContext } from '../trpc/context.ts'
import { anyone, users } from '../trpc/gate.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import type { BodyLimit, BodyLimits } from './body-limits.ts'
import { failingCallerOf, refuseFailing } from './failing-requests.ts'
import { answerOf, respond } from './respond.ts'

/** Who calls a route, and in which request. */
export interface RouteCaller {
  readonly actor: Actor
  readonly requestId: string
  /** What a route is called in the log and the audit that has checked the request by itself. @default route */
  readonly name?: string
  /** Whether what it reads leaves audit rows. @default false */
  readonly isAudited?: boolean
}

/** How a route is named that checks requests by itself. */
export interface AuthorizeOptions {
  /** In the log and the audit: a letter, then letters, digits and `-`, at most 64. */
  readonly name: string
  /** Whether each read leaves an audit row. @default 'never' */
  readonly audit?: 'always' | 'never'
}

/** How an action is run for a request. */
export interface ActOptions {
  /** What the request is known by when it comes again, such as the id of a webhook's event: `[A-Za-z0-9_.:~-]{1,255}`. */
  readonly key: string
  /** What the keys belong to, such as the provider: a letter, then letters, digits and `-`, at most 64. */
  readonly name: string
  /** Who it runs as: the app's owner, or no one. @default 'nobody' */
  readonly as?: 'owner' | 'nobody'
  /** The request that it is done for, whose id the log and the audit then name. @default another id */
  readonly request?: Request
}

/** What the app's own routes are given. */
export interface RoutesOptions<TContext extends { readonly env: unknown }> {
  /** What `ctx.env` shows. */
  readonly env: TContext['env']
  /** The time by the app's clock, which tests can move. */
  now(): Date
  /**
   * Lets requests to one of the app's addresses send more than 1 MiB, or longer than 30 s. The route then reads the body
   * as it arrives; beyond the limit reading fails, and the answer is 413.
   * @param path as Hono has it: names, `:name`, and `/*` at the end
   * @throws {TypeError} for an address of the engine's, and for what is no path or no limit.
   */
  allowBody(path: string, limit: BodyLimit): void
  /**
   * The address that a request came from, as limits and the log have it: behind `TRUSTED_PROXIES`, the one that they say.
   * Undefined where no socket is known, as in a `fetch` of the app's own.
   */
  clientAddress(request: Request): string | undefined
  /**
   * The verified caller of a request, or the answer for who is none: 401, 403 for a blocked user, 503 when keys cannot be
   * had, 429 where too many calls of theirs have failed.
   */
  authenticate(request: Request): Promise<RouteCaller | { readonly response: Response }>
  /**
   * Names a request that the route itself has checked, by its signature or because its address is the credential, so that
   * `read` can be called for it: as no one.
   *
   * @throws {TypeError} for a name that is none.
   */
  authorize(request: Request, options: AuthorizeOptions): RouteCaller
  /**
   * Runs an action for a request that the route has verified, once for the key and the name: what was answered once is
   * answered again. Keys are kept for 30 days.
   *
   * @throws {TypeError} for what is no action of the app or only reads, and for a name that is none.
   */
  act<TInput, TResult extends ActionResult<unknown>>(
    action: ActionReference<TInput, TResult>,
    input: NoInfer<TInput>,
    options: ActOptions,
  ): Promise<TResult | Failure>
  /** Reads as the app, in a transaction of its own, as an action that only reads would. */
  read<T extends ActionResult<unknown>>(
    caller: RouteCaller,
    handler: (ctx: TContext) => Promise<T>,
  ): Promise<T>
  /** An ActionResult as a JSON answer with the status of its code. */
  respond(result: ActionResult<unknown>): Response
}

/** The app's routes beside its actions, for what is no action, such as streaming. */
export type Routes<A extends AppTypes> = (options: RoutesOptions<QueryContext<A>>) => Hono

/** The routes of any app: who calls them gives them the context that they are typed for. */
export type AnyRoutes = (options: RoutesOptions<never>) => Hono

const NOTHING = z.undefined()
const NAME = /^[a-z][A-Za-z0-9-]{0,63}$/

function checkedName(name: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  throw new TypeError(`The name of a route must match ${NAME}`)
}

/** What is known of a request beside what it says. */
export interface KnownRequest {
  readonly requestId: string
  clientAddress(): string | undefined
}

interface RoutesParts {
  readonly engine: Engine
  readonly actions: NamedActions
  /** Every request under way. */
  readonly requests: WeakMap<Request, KnownRequest>
  readonly bodyLimits: BodyLimits
}

/** What the app's routes are given. */
export function createRoutesOptions({
  engine,
  actions,
  requests,
  bodyLimits,
}: RoutesParts): RoutesOptions<AnyContext> {
  return {
    env: engine.appEnv,

    now: () => engine.clock(),

    allowBody: (path, limit) => bodyLimits.allow(path, limit),

    clientAddress: (request) => requests.get(request)?.clientAddress(),

    async authenticate(request) {
      const known = requests.get(request)
      const ctx = createRequestContext(engine, {
        authorization: request.headers.get('authorization') ?? undefined,
        requestId: known?.requestId,
        transport: 'rest',
        ip: known?.clientAddress(),
      })
      const { requestId } = ctx
      const limited = await failingCallerOf(ctx)
      const refused = limited && refuseFailing(ctx, limited, 'route')
      if (refused) {
        const { status, headers, body } = answerOf(refused, requestId)
        return {
          response: new Response(body, { status, headers: { ...headers, ...quotaHeaders(ctx.quotas) } }),
        }
      }
      const caller = verifiedUser(await ctx.authenticator.authenticate())
      if ('actor' in caller) return { actor: caller.actor, requestId }
      if (limited && countsAsFailing(caller.failure.code)) engine.limiter.fail(limited)
      return { response: respond(caller.failure, requestId) }
    },

    authorize(request, { name, audit = 'never' }) {
      const requestId = requests.get(request)?.requestId ?? uuidv7()
      return {
        actor: { kind: 'anonymous' },
        requestId,
        name: checkedName(name),
        isAudited: audit === 'always',
      }
    },

    async act(reference, input, { key, name, as = 'nobody', request }) {
      const action = actions.referred(reference)
      if (!action || action.definition.kind === 'query')
        throw new TypeError('act: takes an action of the app that writes, by reference')
      const space = `${ROUTE_KEYS}:${checkedName(name)}`
      if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key))
        return fail('BAD_REQUEST', `The key of act is ${IDEMPOTENCY_KEY_RULE}`)
      const { ownerUserId } = engine
      if (as === 'owner' && ownerUserId === undefined) return noOwner()
      const result = await callAsApp(engine, action, {
        source: 'route',
        userId: as === 'owner' && ownerUserId !== undefined ? ownerUserId : null,
        readInput: () => input,
        requestId: request && requests.get(request)?.requestId,
        key: { space, value: key },
      })
      return result as never // The action's own result, or a failure.
    },

    async read({ actor, requestId, name, isAudited = false }, handler) {
      // What is streamed outlasts the request that it began with: whether the user is blocked is asked again.
      const ctx = createRequestContext(engine, {
        authorization: undefined,
        actor,
        requestId,
        transport: 'rest',
        source: name === undefined ? 'client' : 'route',
      })
      const call = createCall({
        kind: 'query',
        callers: name === undefined ? users : anyone,
        schema: NOTHING,
        trail: isAudited ? 'always' : 'none',
        run: (accepted) =>
          runCall(engine, accepted, (attempt) => handler(createActionContext(accepted, attempt, false))),
      })
      const place = {
        ctx,
        path: name === undefined ? 'route' : `route.${name}`,
        batchIndex: 0,
        readInput: () => undefined,
      }
      const result = resultOf(await callProcedure({ call }, place))
      return result as Awaited<ReturnType<typeof handler>> // The handler's own result, or a failure.
    },

    respond: (result) => respond(result, uuidv7()),
  }
}
