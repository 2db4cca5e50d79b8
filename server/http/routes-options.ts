import { uuidv7 } from 'uuidv7'
import { z } from 'zod'
import { verifiedUser } from '../auth/authentication.ts'
import { type AnyContext, createActionContext } from '../builders/action-context.ts'
import { runCall } from '../invocation/call.ts'
import type { Engine } from '../invocation/engine.ts'
import { users } from '../trpc/authenticate.ts'
import { createCall } from '../trpc/call.ts'
import { callProcedure, resultOf } from '../trpc/call-procedure.ts'
import { createAuthenticator, createRequestContext } from '../trpc/context.ts'
import type { BodyLimits } from './body-limits.ts'
import type { RoutesOptions } from './custom-routes.ts'
import { respond } from './respond.ts'

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
          runCall(engine, accepted, (attempt) => handler(createActionContext(accepted, attempt))),
      })
      const place = { ctx, path: 'route', batchIndex: 0, readInput: () => undefined }
      const result = resultOf(await callProcedure({ call }, place))
      return result as Awaited<ReturnType<typeof handler>> // The handler's own result, or a failure.
    },

    respond: (result) => respond(result, uuidv7()),
  }
}
