import type { Actor } from '../auth/actor.ts'
import { knownActor } from '../auth/authentication.ts'
import { fail } from '../core/result.ts'
import { isSegment } from '../integrations/endpoint.ts'
import { thrown } from '../invocation/thrown.ts'
import { INTEGRATIONS_PREFIX, refuseClient } from '../routers/integrations.ts'
import type { Callables } from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import { callProcedure, readJsonBody } from './call-procedure.ts'
import { readQueryString } from './query-string.ts'
import type { RecordsAnswer } from './records.ts'

export type CallIntegrations = (ctx: RequestContext, path: string, request: Request) => Promise<RecordsAnswer>

/**
 * Exposes `integrations.list` as `GET /api/integrations`, and `integrations.request` as
 * `POST /api/integrations/:integration/:endpoint`, whose body is the data; `path` is what follows `/api/integrations`,
 * still encoded.
 */
export function createIntegrationsEndpoint(callables: Callables): CallIntegrations {
  return async (ctx, path, request) => {
    const caller = knownActor(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    const endpoint = endpointOf(path)
    if (path !== '' && endpoint === undefined)
      return { result: fail('NOT_FOUND', 'There is nothing at this address.') }
    const allow = endpoint === undefined ? 'GET' : 'POST'
    if ((request.method === 'HEAD' ? 'GET' : request.method) !== allow)
      return { result: fail('METHOD_NOT_SUPPORTED', `This address takes ${allow}.`), allow }
    const result = await callProcedure({
      callables,
      path: INTEGRATIONS_PREFIX + (endpoint === undefined ? 'list' : 'request'),
      ctx,
      // Read when the procedure asks for it, which is after it has counted the call.
      readInput: () => readInput(ctx, caller.actor, endpoint, request),
    })
    return { result }
  }
}

/** Two segments as they stand; what would have to be decoded first is no endpoint. */
function endpointOf(path: string): string | undefined {
  const [before, ...segments] = path.split('/')
  return before === '' && segments.length === 2 && segments.every(isSegment) ? segments.join('/') : undefined
}

async function readInput(
  ctx: RequestContext,
  actor: Actor,
  endpoint: string | undefined,
  request: Request,
): Promise<unknown> {
  const read = readQueryString(new URL(request.url).search, [])
  if (endpoint === undefined) {
    if ('failure' in read) throw thrown(read.failure)
    return undefined
  }
  // Whether it is open is no question of what is sent there.
  const refused = refuseClient(ctx.engine.integrations, actor, endpoint)
  if (refused) throw thrown(refused)
  if ('failure' in read) throw thrown(read.failure)
  const body = await readJsonBody(request)
  if ('failure' in body) throw thrown(body.failure)
  return { endpoint, data: body.value }
}
