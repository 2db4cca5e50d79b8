import { verifiedUser } from '../auth/authentication.ts'
import { type ActionDefinition, actionDefinition } from '../builders/action.ts'
import { type ActionResult, fail } from '../core/result.ts'
import type { Actions } from '../routers/registry.ts'
import type { RequestContext } from '../trpc/context.ts'
import { ACTIONS_PREFIX } from '../trpc/init.ts'
import { type JsonBody, readJsonBody, resultOf } from './call-procedure.ts'

export const ACTIONS_PATH = '/api/actions/'

export type CallByPath = (
  ctx: RequestContext,
  path: string,
  request: Request,
) => Promise<ActionResult<unknown>>

/** Exposes the actions as `POST /api/actions/:name`; `path` is what follows the last fixed slash, still encoded. */
export function createActionEndpoint(actions: Actions): CallByPath {
  const known = new Map(Object.entries(actions))
  return async (ctx, path, request) => {
    // 401 comes before 404: who is not signed in learns no action's name.
    const caller = verifiedUser(await ctx.authenticator.authenticate())
    if ('failure' in caller) return caller.failure
    const definition = actionDefinition(known.get(decodeOrEmpty(path)))
    if (!definition) return fail('NOT_FOUND', 'There is no such action.')
    return callByJson(ctx, { name: path, definition }, await readJsonBody(request))
  }
}

/** Calls an action with what a request's body holds. */
export async function callByJson(
  ctx: RequestContext,
  { name, definition }: { readonly name: string; readonly definition: ActionDefinition },
  body: JsonBody,
): Promise<ActionResult<unknown>> {
  if ('failure' in body) return body.failure
  const call = {
    ctx,
    path: ACTIONS_PREFIX + name,
    batchIndex: 0,
    readInput: () => body.value,
  }
  return resultOf(ctx, () => definition.call(call))
}

/** An action's name needs no encoding, so an encoded one is none. */
function decodeOrEmpty(path: string): string {
  return path.includes('%') ? '' : path
}
