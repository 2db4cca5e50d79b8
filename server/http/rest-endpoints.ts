import type { Actor } from '../auth/actor.ts'
import { knownActor, verifiedUser } from '../auth/authentication.ts'
import { type ActionResult, fail } from '../core/result.ts'
import { isSegment } from '../integrations/endpoint.ts'
import { toTrpcError } from '../invocation/failures.ts'
import { quotaHeaders } from '../limits/quota.ts'
import type { LiveStream } from '../live/live-stream.ts'
import type { RestRoute } from '../openapi/procedures.ts'
import { INTEGRATIONS_PREFIX, refuseClient } from '../routers/integrations.ts'
import type { Call } from '../trpc/call.ts'
import { type Callable, type Callables, callProcedure, countMissing, resultOf } from '../trpc/callable.ts'
import { ACTIONS_PREFIX, LIVE_SUFFIX } from '../trpc/init.ts'
import { actionNames, noSuchAction, notLive } from '../trpc/missing-action.ts'
import type { Endpoint, EngineRequest, Weight } from './endpoint.ts'
import { asksForEvents, asksForEventsAlone, PLAIN_EVENTS, streamAnswer } from './event-stream.ts'
import { PROCEDURE_ROUTES } from './procedure-routes.ts'
import {
  type JsonBody,
  MAX_BODY_BYTES,
  numberOrText,
  readJsonBody,
  readList,
  readQueryString,
  withWhere,
} from './request-input.ts'
import { answerOf, NOTHING_HERE, noticeHeaders } from './respond.ts'

/** What an address over REST answers. */
export interface RestAnswer {
  readonly result: ActionResult<unknown>
  /** The methods that the address takes, when it was called with another. */
  readonly allow?: string | undefined
  /** Whether a success is a stream. @default false */
  readonly isStream?: boolean
}

const WRITING: Weight = { pages: 0, isRead: false, calls: 1 }

/** Makes an endpoint of what answers with results. @param reads whether a GET may answer with a page */
export function restEndpoint(
  reads: boolean,
  call: (request: EngineRequest) => Promise<RestAnswer>,
): Endpoint {
  const reading = { pages: reads ? 1 : 0, isRead: true, calls: 1 }
  return {
    transport: 'rest',
    weigh: ({ exchange: { method } }) => (method === 'GET' || method === 'HEAD' ? reading : WRITING),
    refuse: answerOf,
    async answer(request) {
      const { result, allow, isStream } = await call(request)
      const { exchange, ctx } = request
      const answer =
        isStream && result.success
          ? streamAnswer(result.data as LiveStream, PLAIN_EVENTS, { exchange, requestId: ctx.requestId })
          : answerOf(result, ctx.requestId)
      Object.assign(answer.headers, quotaHeaders(ctx.quotas), noticeHeaders(ctx.notices))
      if (request.ctx.replayed.size > 0) answer.headers['idempotency-replayed'] = 'true'
      if (allow !== undefined) answer.headers.allow = allow
      return answer
    },
  }
}

/** Calls a procedure as the one call of a request. */
export async function callOnce(
  callable: Callable | undefined,
  { ctx, path, readInput }: Omit<Call, 'batchIndex'>,
): Promise<ActionResult<unknown>> {
  return callable
    ? resultOf(await callProcedure(callable, { ctx, path, batchIndex: 0, readInput }))
    : NOTHING_HERE
}

/** Exposes the actions as `POST /api/actions/:name`; those that only read also as streams. */
export function createActionEndpoint(callables: Callables): Endpoint {
  const names = new Set(actionNames(callables))
  return restEndpoint(false, async ({ exchange, ctx, path: below, search }) => {
    if (exchange.method !== 'POST')
      return { result: fail('METHOD_NOT_SUPPORTED', 'Actions are called with POST.'), allow: 'POST' }
    // 401 comes before 404: who is not signed in learns no action's name.
    const authentication = ctx.authenticator.authenticate()
    const caller = verifiedUser(authentication instanceof Promise ? await authentication : authentication)
    if ('failure' in caller) return { result: caller.failure }
    // A name needs no encoding, so an encoded one is none.
    const name = below.slice(1)
    if (!names.has(name)) {
      countMissing(ctx)
      return { result: noSuchAction(callables, name) }
    }
    const query = readQueryString(search, [])
    if ('failure' in query) return { result: query.failure }
    const body = await readJsonBody(exchange)
    if ('failure' in body) return { result: body.failure }
    const action = ACTIONS_PREFIX + name
    const live = asksForEvents(exchange) ? callables.get(action + LIVE_SUFFIX) : undefined
    if (!live && asksForEventsAlone(exchange))
      return {
        result: fail('BAD_REQUEST', `${notLive(callables, name)} Call it with Accept: application/json.`),
      }
    const path = live ? action + LIVE_SUFFIX : action
    const result = await callOnce(callables.get(path), { ctx, path, readInput: () => body.value })
    return { result, isStream: live !== undefined }
  })
}

/** Exposes procedures by the table. 401 comes before 404, and both before the request is read. */
export function createProcedureRoutes(callables: Callables): Endpoint {
  const routes = new Map(PROCEDURE_ROUTES.map((route) => [route.address, route]))
  return restEndpoint(true, async (request) => {
    const { exchange, ctx } = request
    const authentication = ctx.authenticator.authenticate()
    const caller = verifiedUser(authentication instanceof Promise ? await authentication : authentication)
    if ('failure' in caller) return { result: caller.failure }
    const found = findRoute(routes, request.pathname)
    if (!found) return { result: NOTHING_HERE }
    const { route } = found
    const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
    if (method !== route.method) {
      const refused = fail('METHOD_NOT_SUPPORTED', `This address takes ${route.method}.`)
      return { result: refused, allow: route.method }
    }
    const input = await readRouteInput(found, request)
    if ('failure' in input) return { result: input.failure }
    const call = { ctx, path: route.procedure, readInput: () => input.value }
    return { result: await callOnce(callables.get(call.path), call) }
  })
}

/** A route, and the `id` that its address names. */
interface FoundRoute {
  readonly route: RestRoute
  readonly id?: string
}

const ID = /^(.+\/)([^/]+)$/

/** Finds what is at an address: itself, or where its last segment is an id. */
function findRoute(routes: ReadonlyMap<string, RestRoute>, pathname: string): FoundRoute | undefined {
  const exact = routes.get(pathname)
  if (exact) return { route: exact }
  const [, above = '', segment = ''] = ID.exec(pathname) ?? []
  const route = routes.get(`${above}{id}`)
  const id = decodedSegment(segment)
  return route && id !== undefined ? { route, id } : undefined
}

/** What a segment of an address says; undefined for one that is not encoded right. */
function decodedSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** Reads the input of a route: a body, or the parameters of its address, of these names alone; `limit` is a number, and `where` JSON. */
function readRouteInput(
  { route, id }: FoundRoute,
  { exchange, search }: EngineRequest,
): JsonBody | Promise<JsonBody> {
  const { method, parameters = [] } = route
  if (parameters === 'list') return readList(search)
  const read = readQueryString(search, parameters)
  if ('failure' in read) return read
  if (method === 'POST') return readJsonBody(exchange)
  const limit = numberOrText(read.values.get('limit'))
  return withWhere({
    ...Object.fromEntries(read.values),
    ...(limit === undefined ? {} : { limit }),
    ...(id === undefined ? {} : { id }),
  })
}

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
    // A call that waits for its body would keep others from their work.
    if (endpoint !== undefined) await request.exchange.readBody(MAX_BODY_BYTES)
    const procedure = INTEGRATIONS_PREFIX + (endpoint === undefined ? 'list' : 'request')
    const result = await callOnce(callables.get(procedure), {
      ctx,
      path: procedure,
      // Read when the procedure asks for it, which is after it has counted the call.
      readInput: () => readIntegrationInput(request, caller.actor, endpoint),
    })
    return { result }
  })
}

/** Two segments as they stand; what would have to be decoded first is no endpoint. */
function endpointOf(path: string): string | undefined {
  const [before, ...segments] = path.split('/')
  return before === '' && segments.length === 2 && segments.every(isSegment) ? segments.join('/') : undefined
}

async function readIntegrationInput(
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
