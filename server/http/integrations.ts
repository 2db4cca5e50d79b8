import type { Actor } from '../auth/actor.ts'
import { knownActor } from '../auth/authentication.ts'
import { fail } from '../core/result.ts'
import { isSegment } from '../integrations/endpoint.ts'
import { toTrpcError } from '../invocation/to-trpc-error.ts'
import { INTEGRATIONS_PREFIX, refuseClient } from '../routers/integrations.ts'
import type { Callables } from '../trpc/callable.ts'
import { callOnce, type Endpoint, type EngineRequest, NOTHING_HERE, restEndpoint } from './endpoint.ts'
import { readJsonBody } from './json-body.ts'
import { readQueryString } from './query-string.ts'

/**
 * Exposes `integrations.list` as `GET /api/integrations`, and `integrations.request` as
 * `POST /api/integrations/:integration/:endpoint`, whose body is the data.
 */
export function createIntegrationsEndpoint(callables: Callables): Endpoint {
  return restEndpoint(false, async (request) => {
    const { ctx, path } = request
    const caller = knownActor(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    const endpoint = endpointOf(path)
    if (path !== '' && endpoint === undefined) return { result: NOTHING_HERE }
    const { method } = request.exchange
    const allow = endpoint === undefined ? 'GET' : 'POST'
    if ((method === 'HEAD' ? 'GET' : method) !== allow)
      return { result: fail('METHOD_NOT_SUPPORTED', `This address takes ${allow}.`), allow }
    const result = await callOnce(callables, {
      ctx,
      path: INTEGRATIONS_PREFIX + (endpoint === undefined ? 'list' : 'request'),
      // Read when the procedure asks for it, which is after it has counted the call.
      readInput: () => readInput(request, caller.actor, endpoint),
    })
    return { result }
  })
}

/** Two segments as they stand; what would have to be decoded first is no endpoint. */
function endpointOf(path: string): string | undefined {
  const [before, ...segments] = path.split('/')
  return before === '' && segments.length === 2 && segments.every(isSegment) ? segments.join('/') : undefined
}

async function readInput(
  { exchange, ctx, search }: EngineRequest,
  actor: Actor,
  endpoint: string | undefined,
): Promise<unknown> {
  const read = readQueryString(search, [])
  if (endpoint === undefined) {
    if ('failure' in read) throw toTrpcError(read.failure)
    return undefined
  }
  // Whether it is open is no question of what is sent there.
  const refused = refuseClient(ctx.engine.integrations, actor, endpoint)
  if (refused) throw toTrpcError(refused)
  if ('failure' in read) throw toTrpcError(read.failure)
  const body = await readJsonBody(exchange)
  if ('failure' in body) throw toTrpcError(body.failure)
  return { endpoint, data: body.value }
}
