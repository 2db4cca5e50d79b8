import { verifiedUser } from '../auth/authentication.ts'
import { fail } from '../core/result.ts'
import type { Callables } from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import { callProcedure, type JsonBody, readJsonBody } from './call-procedure.ts'
import { numberOrText, readQueryString } from './query-string.ts'
import type { RecordsAnswer } from './records.ts'

/** What is called at an address, and by which method. */
export interface VerbRoute {
  readonly method: 'GET' | 'POST'
  readonly verb: string
  readInput(request: Request, ctx: RequestContext): JsonBody | Promise<JsonBody>
}

export type CallVerb = (ctx: RequestContext, path: string, request: Request) => Promise<RecordsAnswer>
export type VerbsEndpoint = (callables: Callables) => CallVerb

/**
 * Exposes the procedures of a router for verified users over REST, by the path behind its name. 401 comes before 404,
 * and both before the request is read.
 */
export function createVerbsEndpoint(
  callables: Callables,
  name: string,
  verbs: Readonly<Record<string, VerbRoute>>,
): CallVerb {
  const routes = new Map(Object.entries(verbs))
  return async (ctx, path, request) => {
    const caller = verifiedUser(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    const route = routes.get(path)
    if (!route) return { result: fail('NOT_FOUND', 'There is nothing at this address.') }
    const method = request.method === 'HEAD' ? 'GET' : request.method
    if (method !== route.method) {
      const refused = fail('METHOD_NOT_SUPPORTED', `This address takes ${route.method}.`)
      return { result: refused, allow: route.method }
    }
    const input = await route.readInput(request, ctx)
    if ('failure' in input) return { result: input.failure }
    return {
      result: await callProcedure({
        callables,
        path: `${name}.${route.verb}`,
        ctx,
        input: input.value,
      }),
    }
  }
}

/** Reads the parameters of an address, of these names alone, as an input; `limit` is a number. */
export function parameters(...names: readonly string[]): (request: Request) => JsonBody {
  return (request) => {
    const read = readQueryString(new URL(request.url).search, names)
    if ('failure' in read) return read
    const limit = numberOrText(read.values.get('limit'))
    return { value: { ...Object.fromEntries(read.values), ...(limit === undefined ? {} : { limit }) } }
  }
}

/** The body of a request whose address takes no parameters. */
export async function readBodyAlone(request: Request): Promise<JsonBody> {
  const read = readQueryString(new URL(request.url).search, [])
  return 'failure' in read ? read : readJsonBody(request)
}
