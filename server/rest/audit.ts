import { auditQuerySchema } from '../audit/query.ts'
import { verifiedUser } from '../auth/authentication.ts'
import type { RequestContext } from '../context.ts'
import { fail } from '../result.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import { reviveBySchema } from '../wire/from-json.ts'
import { callProcedure, type JsonBody } from './call-procedure.ts'
import { numberOrText, readQueryString } from './query-string.ts'
import type { RecordsAnswer } from './records.ts'

export type CallAudit = (ctx: RequestContext, path: string, request: Request) => Promise<RecordsAnswer>

/** Exposes `audit.query` as `GET /api/audit`; `path` is what follows that. */
export function createAuditEndpoint(router: ReturnType<typeof createAppRouter>): CallAudit {
  return async (ctx, path, request) => {
    const caller = verifiedUser(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    if (path !== '') return { result: fail('NOT_FOUND', 'There is nothing at this address.') }
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return { result: fail('METHOD_NOT_SUPPORTED', 'This address takes GET.'), allow: 'GET' }
    const input = readInput(new URL(request.url).search)
    if ('failure' in input) return { result: input.failure }
    const { signal } = request
    return {
      result: await callProcedure({
        router,
        path: 'audit.query',
        type: 'query',
        ctx,
        input: input.value,
        signal,
      }),
    }
  }
}

function readInput(search: string): JsonBody {
  const read = readQueryString(search, Object.keys(auditQuerySchema.shape))
  if ('failure' in read) return read
  const limit = numberOrText(read.values.get('limit'))
  const input = { ...Object.fromEntries(read.values), ...(limit === undefined ? {} : { limit }) }
  return { value: reviveBySchema(auditQuerySchema, input) }
}
