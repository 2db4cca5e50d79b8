import type { createAppRouter } from '../routers/app-router.ts'
import { callablesOf } from '../trpc/callable.ts'
import type { Endpoint, EngineRequest } from './endpoint.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import { type HeldBytes, overloaded } from './held-bytes.ts'
import { PageSlots } from './page-slots.ts'
import { createRecordsEndpoint } from './records.ts'
import { MAX_BODY_BYTES, readWholeBody } from './request-body.ts'
import { createRequestContexts, type RequestContextsOptions } from './request-contexts.ts'
import type { RequestTarget } from './request-head.ts'
import { createActionEndpoint, createIntegrationsEndpoint, createProcedureRoutes } from './rest-endpoints.ts'
import { createTrpcEndpoint } from './trpc-endpoint.ts'

export interface EngineEndpointsOptions extends RequestContextsOptions {
  readonly router: ReturnType<typeof createAppRouter>
  readonly held: HeldBytes
}

/**
 * Answers at the engine's addresses; undefined for all others.
 *
 * @throws {BodyTooLargeError | RequestEndedError}
 */
export type ServeEndpoint = (
  exchange: Exchange,
  target: RequestTarget,
  requestId: string,
) => Promise<HttpAnswer> | undefined

/** Serves the engine's endpoints, within the room that there is for bodies, pages and answers. */
export function createEngineEndpoints(options: EngineEndpointsOptions): ServeEndpoint {
  const { router, held } = options
  const slots = new PageSlots(held.pages)
  const contexts = createRequestContexts(options)
  const endpoints = endpointsOf(router)

  return (exchange, target, requestId) => {
    const address = addressOf(target.pathname)
    const endpoint = endpoints.get(address)
    if (!endpoint) return undefined
    const ctx = contexts(exchange, endpoint.transport, requestId)
    const { pathname, search } = target
    return serve(endpoint, { exchange, ctx, pathname, search, path: pathname.slice(address.length) })
  }

  async function serve(endpoint: Endpoint, request: EngineRequest): Promise<HttpAnswer> {
    const { exchange, ctx } = request
    // Reading begins at once: who hangs up after the last byte has called.
    if (exchange.bodyBytes !== 0) void exchange.readBody(MAX_BODY_BYTES)
    // A body that does not say its length is too large before it is anything else.
    if (exchange.bodyBytes === undefined) await readWholeBody(exchange)
    const { pages, isRead } = endpoint.weigh(request)
    const answer = pages === 0 ? await endpoint.answer(request) : await readPages(pages, endpoint, request)
    // What has been done is told, however little room there is.
    const isSent = held.answer(exchange.holder, answer.body.length, isRead)
    return isSent ? answer : endpoint.refuse(overloaded(), ctx.requestId)
  }

  async function readPages(pages: number, endpoint: Endpoint, request: EngineRequest): Promise<HttpAnswer> {
    const release = await slots.take(pages)
    try {
      // Nothing is read for a caller who has gone meanwhile.
      return release && !request.exchange.isGone
        ? await endpoint.answer(request)
        : endpoint.refuse(overloaded(), request.ctx.requestId)
    } finally {
      release?.()
    }
  }
}

function endpointsOf(router: EngineEndpointsOptions['router']): ReadonlyMap<string, Endpoint> {
  const callables = callablesOf(router)
  const byTable = createProcedureRoutes(callables)
  return new Map([
    ['/api/actions', createActionEndpoint(callables)],
    ['/api/records', createRecordsEndpoint(callables)],
    ['/api/integrations', createIntegrationsEndpoint(callables)],
    ['/api/users', byTable],
    ['/api/audit', byTable],
    ['/api/credits', byTable],
    ['/api/jobs', byTable],
    ['/api/outbox', byTable],
    ['/api/schedules', byTable],
    ['/trpc', createTrpcEndpoint(router, callables)],
  ])
}

/** The part of a path that names an endpoint: one segment, or two below `/api`. */
function addressOf(pathname: string): string {
  const end = pathname.indexOf('/', pathname.startsWith('/api/') ? 5 : 1)
  return end < 0 ? pathname : pathname.slice(0, end)
}
