import type { Hono } from 'hono'
import type { UserActor } from '../auth/actor.ts'
import type { QueryContext } from '../builders/action-context.ts'
import type { AppTypes } from '../builders/app-types.ts'
import type { ActionResult } from '../core/result.ts'
import type { BodyLimit } from './body-limits.ts'

/** Who calls a route, and in which request. */
export interface RouteCaller {
  readonly actor: UserActor
  readonly requestId: string
}

/** What the app's own routes are given. */
export interface RoutesOptions<TContext> {
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
