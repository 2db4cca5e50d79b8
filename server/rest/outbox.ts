import { verifiedUser } from '../auth/authentication.ts'
import type { RequestContext } from '../context.ts'
import { outboxListSchema } from '../outbox/list.ts'
import { fail } from '../result.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import { callProcedure, type JsonBody, readJsonBody } from './call-procedure.ts'
import { numberOrText, readQueryString } from './query-string.ts'
import type { RecordsAnswer } from './records.ts'

/** Path after `/api/outbox`, and what is called there by which method. */
const ROUTES: ReadonlyMap<string, { readonly method: 'GET' | 'POST'; readonly verb: string }> = new Map([
  ['', { method: 'GET', verb: 'list' }],
  ['/retry', { method: 'POST', verb: 'retry' }],
  ['/drop', { method: 'POST', verb: 'drop' }],
])

export type CallOutbox = (ctx: RequestContext, path: string, request: Request) => Promise<RecordsAnswer>

/** Exposes `outbox.*` over REST. */
export function createOutboxEndpoint(router: ReturnType<typeof createAppRouter>): CallOutbox {
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
    const input = await readInput(route.verb, request)
    if ('failure' in input) return { result: input.failure }
    return {
      result: await callProcedure({
        router,
        path: `outbox.${route.verb}`,
        type: route.method === 'GET' ? 'query' : 'mutation',
        ctx,
        input: input.value,
        signal: request.signal,
      }),
    }
  }
}

async function readInput(verb: string, request: Request): Promise<JsonBody> {
  const parameters = verb === 'list' ? Object.keys(outboxListSchema.shape) : []
  const read = readQueryString(new URL(request.url).search, parameters)
  if ('failure' in read) return read
  if (verb !== 'list') return readJsonBody(request)
  const limit = numberOrText(read.values.get('limit'))
  return { value: { ...Object.fromEntries(read.values), ...(limit === undefined ? {} : { limit }) } }
}
