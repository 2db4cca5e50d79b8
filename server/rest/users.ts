import { verifiedUser } from '../auth/authentication.ts'
import type { RequestContext } from '../context.ts'
import { fail } from '../result.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import { callProcedure, type JsonBody, readJsonBody } from './call-procedure.ts'
import { readList } from './list-parameters.ts'
import { readQueryString } from './query-string.ts'
import type { RecordsAnswer } from './records.ts'

/** Path after `/api/users`, and what is called there by which method. */
const ROUTES: ReadonlyMap<string, { readonly method: 'GET' | 'POST'; readonly verb: string }> = new Map([
  ['', { method: 'GET', verb: 'list' }],
  ['/me', { method: 'GET', verb: 'me' }],
  ['/register', { method: 'POST', verb: 'register' }],
  ['/setRole', { method: 'POST', verb: 'setRole' }],
])

export type CallUsers = (ctx: RequestContext, path: string, request: Request) => Promise<RecordsAnswer>

/** Exposes `users.*` over REST. */
export function createUsersEndpoint(router: ReturnType<typeof createAppRouter>): CallUsers {
  return async (ctx, path, request) => {
    const caller = verifiedUser(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    const route = ROUTES.get(path)
    if (!route) return { result: fail('NOT_FOUND', 'There is nothing at this address.') }
    const method = request.method === 'HEAD' ? 'GET' : request.method
    if (method !== route.method) {
      const refused = fail('METHOD_NOT_SUPPORTED', `This address takes ${route.method}.`)
      return { result: refused, allow: route.method }
    }
    const input = await readInput(ctx, route.verb, request)
    if ('failure' in input) return { result: input.failure }
    const type = route.method === 'GET' ? 'query' : 'mutation'
    return {
      result: await callProcedure({
        router,
        path: `users.${route.verb}`,
        type,
        ctx,
        input: input.value,
        signal: request.signal,
      }),
    }
  }
}

async function readInput(ctx: RequestContext, verb: string, request: Request): Promise<JsonBody> {
  const { search } = new URL(request.url)
  const users = ctx.engine.catalog.get('users')
  if (verb === 'list' && users) return readList(users, search)
  const read = readQueryString(search, [])
  if ('failure' in read) return read
  return request.method === 'POST' ? readJsonBody(request) : { value: {} }
}
