import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { verifiedUser } from '../auth/authentication.ts'
import { type Failure, fail } from '../core/result.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import type { RequestContext } from '../trpc/context.ts'
import { toFailure } from '../trpc/error-shape.ts'
import { ACTIONS_PREFIX, errorShape } from '../trpc/init.ts'
import { findOversize } from '../wire/json-size.ts'
import { transformer } from '../wire/transformer.ts'
import { logUnexpected } from './call-procedure.ts'
import { replayedHeader } from './idempotency-header.ts'
import { checkMediaType } from './media-type.ts'
import { answerOf, jsonHeaders, retryAfterOf } from './respond.ts'

export const TRPC_PATH = '/trpc'
export const MAX_BATCH_SIZE = 10
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'OPTIONS']
const VARY = 'trpc-accept, accept'
/** A path that no action can have. */
const NO_ACTION = `${ACTIONS_PREFIX}-`

/** Serves the router at `/trpc`. */
export async function serveTrpc(
  router: ReturnType<typeof createAppRouter>,
  ctx: RequestContext,
  request: Request,
): Promise<Response> {
  if (!METHODS.includes(request.method)) {
    return respondTrpc(fail('METHOD_NOT_SUPPORTED', 'tRPC is called with GET or POST.'), ctx.requestId)
  }
  const text = request.method === 'GET' || request.method === 'HEAD' ? undefined : await readText(request)
  if (typeof text === 'object') return respondTrpc(text, ctx.requestId)
  const url = new URL(request.url)
  const miscounted = checkKeyCount(ctx, url)
  if (miscounted) return respondTrpc(miscounted, ctx.requestId)
  const caller = verifiedUser(await ctx.authenticator.authenticate())
  if ('failure' in caller) hideActions(url)
  let refused: Failure | undefined
  const response = await fetchRequestHandler({
    endpoint: TRPC_PATH,
    req: new Request(url, {
      method: request.method,
      headers: request.headers,
      ...(text === undefined ? {} : { body: text }),
    }),
    router,
    maxBatchSize: MAX_BATCH_SIZE,
    // A query whose input is too long for an address may be sent as POST.
    allowMethodOverride: true,
    createContext: () => ctx,
    onError({ error, path }) {
      // The request as a whole: tRPC has no context yet, and would leave out the request id.
      if (path === undefined) refused = toFailure(error)
      logUnexpected(ctx, error)
    },
    responseMeta: ({ errors }) => {
      // Hidden members failed as unknown paths; what they are answered with is the caller's failure.
      const failures = [...('failure' in caller ? [caller.failure] : []), ...errors.map(toFailure)]
      // These two the library writes by itself.
      const { vary: _vary, 'content-type': _type, ...headers } = trpcHeaders(ctx, failures)
      return { headers: new Headers(headers) }
    },
  })
  return refused ? respondTrpc(refused, ctx.requestId) : response
}

/** What an answer says of itself. */
export function trpcHeaders(ctx: RequestContext, failures: readonly Failure[]): Record<string, string> {
  const headers: Record<string, string> = { ...jsonHeaders(ctx.requestId), vary: VARY }
  const retryAfter = retryAfterOf(failures)
  if (retryAfter !== undefined) headers['retry-after'] = retryAfter
  const replayed = replayedHeader(ctx.idempotency, ctx.replayed)
  if (replayed !== undefined) headers['idempotency-replayed'] = replayed
  return headers
}

/** A slot too few or too many would give a call the key of another. */
function checkKeyCount({ idempotency }: RequestContext, url: URL): Failure | undefined {
  if (idempotency.length === 0) return undefined
  const isBatch = url.searchParams.get('batch') === '1'
  const calls = isBatch ? decode(url.pathname).split(',').length : 1
  if (idempotency.length === calls) return undefined
  return fail(
    'BAD_REQUEST',
    `Idempotency-Key has ${idempotency.length} slots for ${calls} calls; give each call one, separated by commas and empty for none.`,
  )
}

/** A failure of the request as a whole, in the form that tRPC's clients read. */
export function respondTrpc(failure: Failure, requestId: string): Response {
  const body = { error: transformer.serialize(errorShape(failure, requestId)) }
  const { status, headers } = answerOf(failure, requestId)
  return new Response(JSON.stringify(body), { status, headers: { ...headers, vary: VARY } })
}

/** The body as text, which must be UTF-8: a lenient decoder would change it silently. */
async function readText(request: Request): Promise<string | Failure> {
  const body = await request.arrayBuffer()
  const mediaProblem = checkMediaType(request.headers, body.byteLength === 0)
  if (mediaProblem) return mediaProblem
  const oversize = findOversize(new Uint8Array(body))
  // Its outermost keys are the envelope's.
  if (oversize) return fail('BAD_REQUEST', oversize.message)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return fail('BAD_REQUEST', 'The body is not valid UTF-8.')
  }
}

/** Gives every action of a batch the same unknown path, so that no answer depends on whether it exists. */
function hideActions(url: URL): void {
  const prefix = `${TRPC_PATH}/`
  const members = decode(url.pathname.slice(prefix.length)).split(',')
  if (!members.some((member) => member.startsWith(ACTIONS_PREFIX))) return
  url.pathname =
    prefix +
    members
      .map((member) => (member.startsWith(ACTIONS_PREFIX) ? NO_ACTION : member))
      .map(encodeURIComponent)
      .join(',')
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
