import { verifiedUser } from '../auth/authentication.ts'
import { fail } from '../core/result.ts'
import type { Callables } from '../trpc/callable.ts'
import { ACTIONS_PREFIX } from '../trpc/init.ts'
import { callOnce, type Endpoint, restEndpoint } from './endpoint.ts'
import { readJsonBody } from './json-body.ts'

/** Exposes the actions as `POST /api/actions/:name`. */
export function createActionEndpoint(callables: Callables): Endpoint {
  return restEndpoint(false, async ({ exchange, ctx, path: below }) => {
    if (exchange.method !== 'POST')
      return { result: fail('METHOD_NOT_SUPPORTED', 'Actions are called with POST.'), allow: 'POST' }
    // 401 comes before 404: who is not signed in learns no action's name.
    const caller = verifiedUser(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    // A name needs no encoding, so an encoded one is none.
    const path = ACTIONS_PREFIX + below.slice(1)
    if (!callables.has(path)) return { result: fail('NOT_FOUND', 'There is no such action.') }
    const body = await readJsonBody(exchange)
    if ('failure' in body) return { result: body.failure }
    return { result: await callOnce(callables, { ctx, path, readInput: () => body.value }) }
  })
}
