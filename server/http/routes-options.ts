import { uuidv7 } from 'uuidv7'
import { refuseBlocked, verifiedUser } from '../auth/authentication.ts'
import { type AnyContext, createActionContext } from '../builders/action-context.ts'
import type { Engine } from '../invocation/engine.ts'
import { Invocation } from '../invocation/invocation.ts'
import { runInvocation } from '../invocation/run.ts'
import { createAuthenticator } from '../trpc/context.ts'
import type { BodyLimits } from './body-limits.ts'
import type { RoutesOptions } from './custom-routes.ts'
import { respond } from './respond.ts'

const DEADLINE_MS = 10_000

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
      // What is streamed outlasts the request that it began with.
      const refused = await refuseBlocked(engine.blockedUsers, actor)
      if (refused) return refused as Awaited<ReturnType<typeof handler>> // As below.
      const invocation = new Invocation({
        engine,
        actor,
        action: 'route',
        requestId,
        readOnly: true,
        deadlineMs: DEADLINE_MS,
      })
      const result = await runInvocation(invocation, (attempt) =>
        handler(createActionContext(invocation, attempt, actor)),
      )
      return result as Awaited<ReturnType<typeof handler>> // The handler's own result, or a failure.
    },

    respond: (result) => respond(result, uuidv7()),
  }
}
