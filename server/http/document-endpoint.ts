import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import { knownActor, verifiedUser } from '../auth/authentication.ts'
import { fail, ok } from '../core/result.ts'
import { quotaHeaders } from '../limits/quota.ts'
import { createCall } from '../trpc/call.ts'
import { callProcedure, resultOf } from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import type { Endpoint, EngineRequest } from './endpoint.ts'
import type { ApiDocs } from './reference-page.ts'
import { answerOf, headersOfAll, NOTHING_HERE } from './respond.ts'

export const DOCUMENT_PATH = '/openapi.json'
/** Reading the document, as metrics name it. */
export const DOCUMENT_NAME = 'openapi'

/**
 * Serves what describes the app: to everyone, to who has a valid token, or to no one, as if nothing were there. Who may
 * not see it learns nothing else of the address.
 */
export function createDocumentEndpoint(apiDocs: ApiDocs, document: () => string): Endpoint {
  let etag: string | undefined
  // Reading it is a call like any other, and counts for the limits of who reads.
  const read = createCall({
    kind: 'query',
    schema: z.undefined(),
    callers: readerOf,
    trail: 'none',
    run: () => ok(undefined),
  })
  return {
    transport: 'rest',
    weigh: () => ({ pages: 0, isRead: true, calls: 1 }),
    refuse: answerOf,
    async answer(request) {
      const { exchange, ctx, path } = request
      const refused = await refusal(apiDocs, request)
      if (refused) return answerOf(refused, ctx.requestId)
      if (path !== '') return answerOf(NOTHING_HERE, ctx.requestId)
      if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
        const answer = answerOf(fail('METHOD_NOT_SUPPORTED', 'This address takes GET.'), ctx.requestId)
        return { ...answer, headers: { ...answer.headers, allow: 'GET' } }
      }
      const call = { ctx, path: DOCUMENT_NAME, batchIndex: 0, readInput: () => undefined }
      const counted = resultOf(await callProcedure({ call: read }, call))
      const quotas = quotaHeaders(ctx.quotas)
      if (!counted.success) {
        const answer = answerOf(counted, ctx.requestId)
        return { ...answer, headers: { ...answer.headers, ...quotas } }
      }
      const text = document()
      etag ??= `W/"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
      const headers = {
        ...headersOfAll(ctx.requestId),
        ...quotas,
        'content-type': 'application/json',
        'cache-control': apiDocs === 'public' ? 'no-cache' : 'private, no-cache',
        etag,
      }
      const isKnown = exchange.header('if-none-match')?.includes(etag) ?? false
      return isKnown ? { status: 304, headers, body: '' } : { status: 200, headers, body: text }
    },
  }
}

async function refusal(apiDocs: ApiDocs, { ctx }: EngineRequest) {
  if (apiDocs === 'off') return NOTHING_HERE
  if (apiDocs === 'public') return undefined
  const caller = verifiedUser(await ctx.authenticator.authenticate())
  return 'failure' in caller ? caller.failure : undefined
}

/** Who reads what is for everyone: a token that is not valid makes a stranger of its sender, and refuses no one. */
async function readerOf({ authenticator }: RequestContext): Promise<Actor> {
  const caller = knownActor(await authenticator.authenticate())
  return 'failure' in caller ? { kind: 'anonymous' } : caller.actor
}
