import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { verifiedUser } from '../auth/authentication.ts'
import { type Failure, fail } from '../core/result.ts'
import { quotaHeaders } from '../limits/quota.ts'
import type { LiveStream } from '../live/live-stream.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import {
  type Callable,
  type Callables,
  callProcedure,
  countMissing,
  logUnexpected,
  resultOf,
} from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import { toFailure } from '../trpc/error-shape.ts'
import { ACTIONS_PREFIX, errorShape } from '../trpc/init.ts'
import { answerJsonCalls, MAX_BATCH_SIZE, readJsonCalls } from '../trpc/json-calls.ts'
import { noSuchAction } from '../trpc/missing-action.ts'
import { decodeUtf8, findOversize } from '../wire/parse-json.ts'
import { transformer, UnacceptableInput } from '../wire/serialize.ts'
import type { Endpoint, EngineRequest } from './endpoint.ts'
import { streamAnswer, TRPC_EVENTS } from './event-stream.ts'
import type { HttpAnswer } from './exchange.ts'
import { checkMediaType, readWholeBody } from './request-input.ts'
import { answerOf, headersOfAll, jsonHeaders, noticeHeaders, retryAfterOf } from './respond.ts'

export const TRPC_PATH = '/trpc'
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'OPTIONS']
const VARY = 'trpc-accept, accept'
/** A path that no action can have. */
const NO_ACTION = `${ACTIONS_PREFIX}-`

/** Serves the router at `/trpc`: what is plain by itself, and everything else by tRPC's own adapter. */
export function createTrpcEndpoint(
  router: ReturnType<typeof createAppRouter>,
  callables: Callables,
): Endpoint {
  return {
    transport: 'trpc',
    refuse: refuseTrpc,

    weigh({ path }) {
      const kinds = nameOf(path)
        .split(',')
        .map((name) => callables.get(name)?.kind)
      return {
        pages: kinds.filter((kind) => kind === 'query' || kind === 'subscription').length,
        isRead: !kinds.includes('mutation'),
        calls: kinds.length,
      }
    },

    async answer(request) {
      const { exchange, ctx, path, search } = request
      const { method } = exchange
      if (!METHODS.includes(method))
        return refuseTrpc(fail('METHOD_NOT_SUPPORTED', 'tRPC is called with GET or POST.'), ctx.requestId)
      const text = method === 'GET' || method === 'HEAD' ? undefined : await readText(request)
      if (typeof text === 'object') return refuseTrpc(text, ctx.requestId)
      const miscounted = checkKeyCount(request)
      if (miscounted) return refuseTrpc(miscounted, ctx.requestId)
      const name = nameOf(path)
      const streamed = callables.get(name)
      // None may reach the library: it would wait for the end of the stream.
      if (streamed?.kind === 'subscription') return answerStream(request, name, streamed)
      const authentication = ctx.authenticator.authenticate()
      const caller = verifiedUser(authentication instanceof Promise ? await authentication : authentication)
      const calls =
        'actor' in caller &&
        isPlain(request) &&
        readJsonCalls(callables, { method, paths: path.slice(1), search, text })
      if (!calls)
        return byLibrary(router, callables, request, text, 'failure' in caller ? caller.failure : undefined)
      const { status, failures, body } = await answerJsonCalls(ctx, calls)
      return { status, headers: trpcHeaders(ctx, failures), body }
    },
  }
}

/** Answers a subscription as tRPC's clients read one; a refusal as that of any call. */
async function answerStream(
  { exchange, ctx, search }: EngineRequest,
  path: string,
  callable: Callable,
): Promise<HttpAnswer> {
  if (exchange.method !== 'GET') {
    const refused = refuseTrpc(fail('METHOD_NOT_SUPPORTED', 'A stream is opened with GET.'), ctx.requestId)
    refused.headers.allow = 'GET'
    return refused
  }
  const readInput = () => inputOf(search)
  const answer = await callProcedure(callable, { ctx, path, batchIndex: 0, readInput })
  const result = resultOf(answer)
  const answered = result.success
    ? streamAnswer(result.data as LiveStream, TRPC_EVENTS, { exchange, requestId: ctx.requestId })
    : refuseTrpc(result, ctx.requestId)
  Object.assign(answered.headers, quotaHeaders(ctx.quotas))
  return answered
}

/** The input of a subscription. Where tRPC's clients begin it again, it says what they had last; the header does too. */
function inputOf(search: string): unknown {
  const text = new URLSearchParams(search).get('input')
  if (text === null) return undefined
  const input = parseInput(text)
  if (typeof input !== 'object' || input === null || !('lastEventId' in input)) return input
  const { lastEventId: _last, ...rest } = input
  return rest
}

function parseInput(text: string): unknown {
  try {
    return transformer.deserialize(JSON.parse(text))
  } catch {
    return new UnacceptableInput({ path: [], message: 'must be JSON, as tRPC sends it' })
  }
}

/** What a path names, as tRPC's adapter reads it: without slashes around it, and then decoded. */
function nameOf(path: string): string {
  const written = path.slice(1).replace(/\/{1,2}$/, '')
  return written.includes('%') ? decode(written) : written
}

/** Whether a request asks for JSON, and sends nothing else. */
function isPlain({ exchange }: EngineRequest): boolean {
  if (exchange.header('trpc-accept') !== undefined || exchange.header('accept')?.includes('jsonl'))
    return false
  const type = exchange.header('content-type')
  return type === undefined ? exchange.method === 'GET' : checkMediaType(exchange, false) === undefined
}

/** Answers as tRPC's own adapter does. @param stranger the failure of a caller who may not call actions */
async function byLibrary(
  router: ReturnType<typeof createAppRouter>,
  callables: Callables,
  { exchange, ctx, pathname, search }: EngineRequest,
  text: string | undefined,
  stranger: Failure | undefined,
): Promise<HttpAnswer> {
  const { method } = exchange
  // Of an address it reads what follows the host.
  const url = new URL(pathname + search, 'http://deputy')
  if (stranger) hideActions(url)
  let refused: Failure | undefined
  const response = await fetchRequestHandler({
    endpoint: TRPC_PATH,
    req: new Request(url, {
      method,
      headers: headersFor(exchange),
      ...(text === undefined ? {} : { body: text }),
    }),
    router,
    maxBatchSize: MAX_BATCH_SIZE,
    // A query whose input is too long for an address may be sent as POST.
    allowMethodOverride: true,
    createContext: () => ({ ...ctx, noSuchAction: (name) => noSuchAction(callables, name) }),
    onError({ error, path }) {
      // The request as a whole: tRPC has no context yet, and would leave out the request id.
      if (path === undefined) refused = toFailure(error)
      else if (!callables.has(path)) countMissing(ctx)
      logUnexpected(ctx, error)
    },
    responseMeta: ({ errors }) => {
      // Hidden members failed as unknown paths; what they are answered with is the caller's failure.
      const failures = [...(stranger ? [stranger] : []), ...errors.map(toFailure)]
      // These two the library writes by itself.
      const { vary: _vary, 'content-type': _type, ...headers } = trpcHeaders(ctx, failures)
      return { headers: new Headers(headers) }
    },
  })
  if (refused) return refuseTrpc(refused, ctx.requestId)
  // An answer that is written in pieces has its headers before its calls have run.
  const body = await response.text()
  return {
    status: response.status,
    headers: {
      ...allowed(response),
      ...Object.fromEntries(response.headers),
      ...headersOfAll(ctx.requestId),
      ...quotaHeaders(ctx.quotas),
      ...noticeHeaders(ctx.notices),
    },
    body,
  }
}

/** What a 405 has to say (RFC 9110, 15.5.6), and tRPC says from 11.25 on: what is refused here is GET on a mutation. */
function allowed({ status }: Response): Record<string, string> {
  return status === 405 ? { allow: 'POST' } : {}
}

/** What tRPC reads of a request's headers. */
function headersFor(exchange: EngineRequest['exchange']): Headers {
  const headers = new Headers()
  for (const name of ['content-type', 'accept', 'trpc-accept']) {
    const value = exchange.header(name)
    if (value !== undefined) headers.set(name, value)
  }
  return headers
}

/** What an answer says of itself. */
function trpcHeaders(ctx: RequestContext, failures: readonly Failure[]): Record<string, string> {
  const headers = jsonHeaders(ctx.requestId)
  headers.vary = VARY
  Object.assign(headers, quotaHeaders(ctx.quotas))
  if (ctx.notices.size > 0) Object.assign(headers, noticeHeaders(ctx.notices))
  const retryAfter = retryAfterOf(failures)
  if (retryAfter !== undefined) headers['retry-after'] = retryAfter
  const replayed = replayedHeader(ctx.idempotency, ctx.replayed)
  if (replayed !== undefined) headers['idempotency-replayed'] = replayed
  return headers
}

/** Writes `Idempotency-Replayed` for the calls of one request; undefined when none of them had a key. */
function replayedHeader(
  keys: readonly (string | undefined)[],
  replayed: ReadonlySet<number>,
): string | undefined {
  if (keys.every((key) => key === undefined)) return undefined
  return keys.map((_key, position) => String(replayed.has(position))).join(',')
}

/** A slot too few or too many would give a call the key of another. */
function checkKeyCount({ ctx: { idempotency }, path, search }: EngineRequest): Failure | undefined {
  if (idempotency.length === 0) return undefined
  const isBatch = new URLSearchParams(search).get('batch') === '1'
  const calls = isBatch ? decode(path).split(',').length : 1
  if (idempotency.length === calls) return undefined
  return fail(
    'BAD_REQUEST',
    `Idempotency-Key has ${idempotency.length} slots for ${calls} calls; give each call one, separated by commas and empty for none.`,
  )
}

/** A failure of the request as a whole, in the form that tRPC's clients read. */
export function refuseTrpc(failure: Failure, requestId: string): HttpAnswer {
  const { status, headers } = answerOf(failure, requestId)
  const body = JSON.stringify({ error: transformer.serialize(errorShape(failure, requestId)) })
  return { status, headers: { ...headers, vary: VARY }, body }
}

/** The body as text, which must be UTF-8: a lenient decoder would change it silently. */
async function readText({ exchange }: EngineRequest): Promise<string | Failure> {
  const body = await readWholeBody(exchange)
  const mediaProblem = checkMediaType(exchange, body.byteLength === 0)
  if (mediaProblem) return mediaProblem
  const oversize = findOversize(body)
  // Its outermost keys are the envelope's.
  if (oversize) return fail('BAD_REQUEST', oversize.message)
  return decodeUtf8(body) ?? fail('BAD_REQUEST', 'The body is not valid UTF-8.')
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
