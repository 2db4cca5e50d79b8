import { callTRPCProcedure, TRPCError } from '@trpc/server'
import { actionDefinition } from '../action.ts'
import { verifiedUser } from '../auth/authentication.ts'
import type { RequestContext } from '../context.ts'
import { InvalidInput, toFailure } from '../error-shape.ts'
import { type ActionResult, type Failure, fail } from '../result.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import type { Actions } from '../routers/registry.ts'
import { ACTIONS_PREFIX } from '../trpc.ts'
import { reviveBySchema } from '../wire/from-json.ts'
import { findUnacceptable } from '../wire/guard.ts'
import { parseJson } from '../wire/json.ts'
import { checkMediaType } from './media-type.ts'

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
    const action = known.get(decodeOrEmpty(path))
    const definition = actionDefinition(action)
    if (!definition) return fail('NOT_FOUND', 'There is no such action.')
    const body = new Uint8Array(await request.arrayBuffer())
    const mediaProblem = checkMediaType(request.headers, body.byteLength === 0)
    if (mediaProblem) return mediaProblem
    const json = parseJson(body)
    if (!json.ok) return badInput(new InvalidInput([json.issue]))
    // Before dates are looked for: too deep an input would make that expensive.
    const issue = findUnacceptable(json.value)
    if (issue) return badInput(new InvalidInput([issue]))
    try {
      const result: unknown = await callTRPCProcedure({
        router,
        path: ACTIONS_PREFIX + path,
        type: definition.kind,
        ctx,
        batchIndex: 0,
        getRawInput: async () => reviveBySchema(definition.input, json.value),
        signal: request.signal,
      })
      return result as ActionResult<unknown> // The registry takes nothing that returns anything else.
    } catch (error) {
      if (error instanceof TRPCError) return toFailure(error)
      throw error
    }
  }
}

function badInput(error: InvalidInput): Failure {
  return fail('BAD_REQUEST', error.message, { issues: error.issues })
}

/** An action's name needs no encoding, so an encoded one is none. */
function decodeOrEmpty(path: string): string {
  return path.includes('%') ? '' : path
}
