import type { Hono } from 'hono'
import { z } from 'zod'
import type { UserActor } from '../auth/actor.ts'
import { verifiedUser } from '../auth/authentication.ts'
import { type AnyContext, createActionContext, type QueryContext } from '../builders/action-context.ts'
import type { AppTypes } from '../builders/app-types.ts'
import type { ActionResult } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import { runCall } from '../invocation/call.ts'
import type { Engine } from '../invocation/engine.ts'
import { createCall } from '../trpc/call.ts'
import { callProcedure, resultOf } from '../trpc/callable.ts'
import { createAuthenticator, createRequestContext } from '../trpc/context.ts'
import { users } from '../trpc/gate.ts'
import type { BodyLimit, BodyLimits } from './body-limits.ts'
import { respond } from './respond.ts'

/** Who calls a route, and in which request. */
export interface RouteCaller {
  readonly actor: UserActor
  readonly requestId: string
}

/** What the app's own routes are given. */
export interface RoutesOptions<TContext extends { readonly env: unknown }> {
  /** What `ctx.env` shows. */
  readonly env: TContext['env']
  /**
   * Lets requests to one of the app's addresses send more than 1 MiB, or longer than 30 s. The route then reads the body
   * as it arrives; beyond the limit reading fails, and the answer is 413.
   * @param path as Hono has it: names, `:name`, and `/*` at the end
   * @throws {TypeError} for an address of the engine's, and for what is no path or no limit.
   */
  allowBody(path: string, limit: BodyLimit): void
  /** The verified caller of a request, or the answer for who is none (401, or 503 when keys cannot be had). */
  authenticate(request: Request): Promise<RouteCaller | { readonly response: Response }>
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

interface RoutesParts {
  readonly engine: Engine
  /** The id of every request under way. */
  readonly requestIds: WeakMap<Request, string>
  readonly bodyLimits: BodyLimits
}

/** What the app's routes are given. */
export function createRoutesOptions({
  engine,
  requestIds,
  bodyLimits,
}: RoutesParts): RoutesOptions<AnyContext> {
  return {
    env: engine.appEnv,

    allowBody: (path, limit) => bodyLimits.allow(path, limit),

    async authenticate(request) {
      const requestId = requestIds.get(request) ?? uuidv7()
      const authorization = request.headers.get('authorization') ?? undefined
      const caller = verifiedUser(await createAuthenticator(engine, authorization, requestId).authenticate())
      return 'actor' in caller
        ? { actor: caller.actor, requestId }
        : { response: respond(caller.failure, requestId) }
    },

    async read({ actor, requestId }, handler) {
      // What is streamed outlasts the request that it began with: whether the user is blocked is asked again.
      const ctx = createRequestContext(engine, {
        authorization: undefined,
        actor,
        requestId,
        transport: 'rest',
      })
      const call = createCall({
        kind: 'query',
        callers: users,
        schema: NOTHING,
        trail: 'none',
        run: (accepted) =>
          runCall(engine, accepted, (attempt) => handler(createActionContext(accepted, attempt, false))),
      })
      const place = { ctx, path: 'route', batchIndex: 0, readInput: () => undefined }
      const result = resultOf(await callProcedure({ call }, place))
      return result as Awaited<ReturnType<typeof handler>> // The handler's own result, or a failure.
    },

    respond: (result) => respond(result, uuidv7()),
  }
}
