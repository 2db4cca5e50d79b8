import { actionDefinition } from '../action.ts'
import { verifiedUser } from '../auth/authentication.ts'
import type { RequestContext } from '../context.ts'
import { type ActionResult, fail } from '../result.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import type { Actions } from '../routers/registry.ts'
import { ACTIONS_PREFIX } from '../trpc.ts'
import { reviveBySchema } from '../wire/from-json.ts'
import { callProcedure, readJsonBody } from './call-procedure.ts'

export type CallAction = (
  ctx: RequestContext,
  path: string,
  request: Request,
) => Promise<ActionResult<unknown>>

/** Exposes the actions as `POST /api/actions/:name`; `path` is what follows the last fixed slash, still encoded. */
export function createActionEndpoint(
  router: ReturnType<typeof createAppRouter>,
  actions: Actions,
): CallAction {
  const known = new Map(Object.entries(actions))
  return async (ctx, path, request) => {
    // 401 comes before 404: who is not signed in learns no action's name.
    const caller = verifiedUser(await ctx.authenticator.authenticate())
    if ('failure' in caller) return caller.failure
    const definition = actionDefinition(known.get(decodeOrEmpty(path)))
    if (!definition) return fail('NOT_FOUND', 'There is no such action.')
    const body = await readJsonBody(request)
    if ('failure' in body) return body.failure
    return callProcedure({
      router,
      path: ACTIONS_PREFIX + path,
      type: definition.kind,
      ctx,
      input: reviveBySchema(definition.input, body.value),
      signal: request.signal,
    })
  }
}

/** An action's name needs no encoding, so an encoded one is none. */
function decodeOrEmpty(path: string): string {
  return path.includes('%') ? '' : path
}
