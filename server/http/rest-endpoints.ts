import { auditQuerySchema } from '../audit/query.ts'
import type { Actor } from '../auth/actor.ts'
import { knownActor, verifiedUser } from '../auth/authentication.ts'
import { type ActionResult, fail } from '../core/result.ts'
import { isSegment } from '../integrations/endpoint.ts'
import { toTrpcError } from '../invocation/failures.ts'
import { outboxListSchema } from '../queue/list.ts'
import { jobListSchema } from '../queue/list-jobs.ts'
import { INTEGRATIONS_PREFIX, refuseClient } from '../routers/integrations.ts'
import type { Call } from '../trpc/call.ts'
import { type Callable, type Callables, callProcedure, resultOf } from '../trpc/callable.ts'
import { ACTIONS_PREFIX } from '../trpc/init.ts'
import { noSuchAction } from '../trpc/missing-action.ts'
import type { Endpoint, EngineRequest, Weight } from './endpoint.ts'
import { numberOrText, readList, readQueryString } from './query-string.ts'
import { type JsonBody, readJsonBody } from './request-body.ts'
import { answerOf, NOTHING_HERE } from './respond.ts'

/** What an address over REST answers. */
export interface RestAnswer {
  readonly result: ActionResult<unknown>
  /** The methods that the address takes, when it was called with another. */
  readonly allow?: string | undefined
}

const WRITING: Weight = { pages: 0, isRead: false }

/** Makes an endpoint of what answers with results. @param reads whether a GET may answer with a page */
export function restEndpoint(
  reads: boolean,
  call: (request: EngineRequest) => Promise<RestAnswer>,
): Endpoint {
  const reading = { pages: reads ? 1 : 0, isRead: true }
  return {
    transport: 'rest',
    weigh: ({ exchange: { method } }) => (method === 'GET' || method === 'HEAD' ? reading : WRITING),
    refuse: answerOf,
    async answer(request) {
      const { result, allow } = await call(request)
      const answer = answerOf(result, request.ctx.requestId)
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

/** Exposes the actions as `POST /api/actions/:name`. */
export function createActionEndpoint(callables: Callables): Endpoint {
  const actions = new Map<string, { readonly path: string; readonly callable: Callable }>()
  for (const [path, callable] of callables) {
    if (path.startsWith(ACTIONS_PREFIX)) actions.set(path.slice(ACTIONS_PREFIX.length), { path, callable })
  }
  return restEndpoint(false, async ({ exchange, ctx, path: below }) => {
    if (exchange.method !== 'POST')
      return { result: fail('METHOD_NOT_SUPPORTED', 'Actions are called with POST.'), allow: 'POST' }
    // 401 comes before 404: who is not signed in learns no action's name.
    const caller = verifiedUser(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    // A name needs no encoding, so an encoded one is none.
    const name = below.slice(1)
    const action = actions.get(name)
    if (!action) return { result: noSuchAction(callables, name) }
    const body = await readJsonBody(exchange)
    if ('failure' in body) return { result: body.failure }
    const { path, callable } = action
    return { result: await callOnce(callable, { ctx, path, readInput: () => body.value }) }
  })
}

/** Which procedure an address calls, by which method, and how its input is read. */
interface ProcedureRoute {
  readonly method: 'GET' | 'POST'
  readonly procedure: string
  readonly readInput: (request: EngineRequest) => JsonBody | Promise<JsonBody>
}

/** What is called over REST beside actions, records and integrations, by verified users. */
const ROUTES: Readonly<Record<string, ProcedureRoute>> = {
  '/api/audit': get('audit.list', parameters(...Object.keys(auditQuerySchema.shape))),
  '/api/audit/erase': post('audit.erase'),
  '/api/audit/prune': post('audit.prune'),
  '/api/credits': get('credits.balance', parameters('account')),
  '/api/credits/balances': get('credits.balances', parameters('limit', 'cursor')),
  '/api/credits/statement': get('credits.statement', parameters('account', 'limit', 'cursor')),
  '/api/credits/grant': post('credits.grant'),
  '/api/jobs': get('jobs.list', parameters(...Object.keys(jobListSchema.shape))),
  '/api/jobs/retry': post('jobs.retry'),
  '/api/jobs/cancel': post('jobs.cancel'),
  '/api/outbox': get('outbox.list', parameters(...Object.keys(outboxListSchema.shape))),
  '/api/outbox/retry': post('outbox.retry'),
  '/api/outbox/drop': post('outbox.drop'),
  '/api/schedules': get('schedules.list', parameters()),
  '/api/schedules/pause': post('schedules.pause'),
  '/api/schedules/resume': post('schedules.resume'),
  '/api/schedules/run-now': post('schedules.runNow'),
  '/api/users': get('users.list', ({ search }) => readList(search)),
  '/api/users/me': get('users.me', parameters()),
  '/api/users/register': post('users.register'),
  '/api/users/setBlocked': post('users.setBlocked'),
  '/api/users/setRole': post('users.setRole'),
}

/** Exposes procedures by the table. 401 comes before 404, and both before the request is read. */
export function createProcedureRoutes(callables: Callables): Endpoint {
  const routes = new Map(Object.entries(ROUTES))
  return restEndpoint(true, async (request) => {
    const { exchange, ctx } = request
    const caller = verifiedUser(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    const route = routes.get(request.pathname) ?? jobRoute(request.pathname)
    if (!route) return { result: NOTHING_HERE }
    const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
    if (method !== route.method) {
      const refused = fail('METHOD_NOT_SUPPORTED', `This address takes ${route.method}.`)
      return { result: refused, allow: route.method }
    }
    const input = await route.readInput(request)
    if ('failure' in input) return { result: input.failure }
    const call = { ctx, path: route.procedure, readInput: () => input.value }
    return { result: await callOnce(callables.get(call.path), call) }
  })
}

const JOB = /^\/api\/jobs\/([^/]+)$/

/** `GET /api/jobs/:id`. */
function jobRoute(pathname: string): ProcedureRoute | undefined {
  const segment = JOB.exec(pathname)?.[1]
  const id = segment === undefined ? undefined : decodedSegment(segment)
  if (id === undefined) return undefined
  const none = parameters()
  return get('jobs.get', (request) => {
    const read = none(request)
    return 'failure' in read ? read : { value: { id } }
  })
}

/** What a segment of an address says; undefined for one that is not encoded right. */
function decodedSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

function get(procedure: string, readInput: ProcedureRoute['readInput']): ProcedureRoute {
  return { method: 'GET', procedure, readInput }
}

/** Reads a body, of an address that takes no parameters. */
function post(procedure: string): ProcedureRoute {
  return {
    method: 'POST',
    procedure,
    readInput({ exchange, search }) {
      const read = readQueryString(search, [])
      return 'failure' in read ? read : readJsonBody(exchange)
    },
  }
}

/** Reads the parameters of an address, of these names alone, as an input; `limit` is a number. */
function parameters(...names: readonly string[]): (request: EngineRequest) => JsonBody {
  return ({ search }) => {
    const read = readQueryString(search, names)
    if ('failure' in read) return read
    const limit = numberOrText(read.values.get('limit'))
    return { value: { ...Object.fromEntries(read.values), ...(limit === undefined ? {} : { limit }) } }
  }
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
