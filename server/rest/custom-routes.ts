import type { Hono } from 'hono'
import type { ActionContext } from '../action-context.ts'
import type { ActionReadTools, CallerReadTools } from '../app-types.ts'
import type { UserActor } from '../auth/actor.ts'
import type { ActionResult } from '../result.ts'

/** Who calls a route, and in which request. */
export interface RouteCaller {
  readonly actor: UserActor
  readonly requestId: string
}

/** What the app's own routes are given. */
export interface RoutesOptions {
  /** The verified caller of a request, or the answer for who is none (401, or 503 when keys cannot be had). */
  authenticate(request: Request): Promise<RouteCaller | { readonly response: Response }>
  /** Reads as the app, in a transaction of its own, as an action that only reads would. */
  read<T extends ActionResult<unknown>>(
    caller: RouteCaller,
    handler: (ctx: ActionContext<ActionReadTools, CallerReadTools>) => Promise<T>,
  ): Promise<T>
  /** An ActionResult as a JSON answer with the status of its code. */
  respond(result: ActionResult<unknown>): Response
}

/** The app's routes beside its actions, for what is no action, such as streaming. */
export type Routes = (options: RoutesOptions) => Hono
