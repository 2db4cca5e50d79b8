import { createOriginMatcher } from '../auth/origin.ts'
import type { Verifier } from '../auth/verifier.ts'
import type { NamedActions } from '../builders/named-actions.ts'
import type { LimitedCaller } from '../limits/limiter.ts'
import { quotaHeaders } from '../limits/quota.ts'
import { createMcpService } from '../mcp/service.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import { type Callables, callablesOf } from '../trpc/callable.ts'
import { createDocumentEndpoint, DOCUMENT_PATH } from './document-endpoint.ts'
import type { Endpoint, EngineRequest } from './endpoint.ts'
import { MCP_PATH } from './engine-addresses.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import { countUnheard, failingCallerOf, refuseFailing } from './failing-requests.ts'
import { type HeldBytes, overloaded, PageSlots } from './held-bytes.ts'
import { createMcpEndpoint } from './mcp-endpoint.ts'
import { createRecordsEndpoint } from './records.ts'
import type { ApiDocs } from './reference-page.ts'
import type { RefusalPacer } from './refusal-pacer.ts'
import { createRequestContexts, type RequestContextsOptions } from './request-contexts.ts'
import type { RequestTarget } from './request-head.ts'
import { BodyTooLargeError, MAX_BODY_BYTES, readList, readWholeBody } from './request-input.ts'
import {
  createResourceMetadata,
  type ResourceMetadata,
  type ResourceMetadataOptions,
} from './resource-metadata.ts'
import { createActionEndpoint, createIntegrationsEndpoint, createProcedureRoutes } from './rest-endpoints.ts'
import { createTrpcEndpoint } from './trpc-endpoint.ts'

export interface EngineEndpointsOptions extends RequestContextsOptions {
  readonly router: ReturnType<typeof createAppRouter>
  readonly actions: NamedActions
  readonly corsOrigins: readonly string[]
  readonly mcp: McpSettings
  /** Who sees what describes the app. */
  readonly apiDocs: ApiDocs
  /** What describes the app, as JSON. */
  readonly document: () => string
  readonly held: HeldBytes
  readonly pacer: RefusalPacer
}

/** What is said of `/mcp` outside, and who is believed there. */
export interface McpSettings extends Partial<ResourceMetadataOptions> {
  /** Verifies tokens that are for `/mcp` alone. @default the verifier of the app */
  readonly verifier?: Verifier | undefined
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
  const { router, held, pacer } = options
  const slots = new PageSlots(held.pages)
  const contexts = createRequestContexts({ ...options, agentVerifier: options.mcp.verifier })
  const callables = callablesOf(router)
  const endpoints = endpointsOf(router, callables)
  endpoints.set(DOCUMENT_PATH, createDocumentEndpoint(options.apiDocs, options.document))
  const metadata = addMcp(endpoints, options, callables)

  return (exchange, target, requestId) => {
    const address = addressOf(target.pathname)
    const endpoint = endpoints.get(address)
    if (!endpoint) {
      const told = metadata?.answer(exchange, target.pathname, requestId)
      return told && Promise.resolve(told)
    }
    const ctx = contexts(exchange, endpoint.transport, requestId)
    const { pathname, search } = target
    const request = { exchange, ctx, pathname, search, path: pathname.slice(address.length) }
    return serve(endpoint, request, address)
  }

  async function serve(endpoint: Endpoint, request: EngineRequest, address: string): Promise<HttpAnswer> {
    const { exchange, ctx } = request
    // Reading begins at once: who hangs up after the last byte has called.
    if (exchange.bodyBytes !== 0) void exchange.readBody(MAX_BODY_BYTES)
    const known = failingCallerOf(ctx)
    const caller = known instanceof Promise ? await known : known
    const refused = caller && refuseFailing(ctx, caller, address)
    if (refused) {
      const answer = endpoint.refuse(refused, ctx.requestId)
      Object.assign(answer.headers, quotaHeaders(ctx.quotas))
      return pacer.paced(answer, caller)
    }
    try {
      return pacer.paced(await answered(endpoint, request, caller), caller)
    } catch (error) {
      if (caller && error instanceof BodyTooLargeError) ctx.engine.limiter.fail(caller)
      throw error
    }
  }

  /** @param caller whose failures are counted, where they are */
  async function answered(
    endpoint: Endpoint,
    request: EngineRequest,
    caller: LimitedCaller | undefined,
  ): Promise<HttpAnswer> {
    const { exchange, ctx } = request
    // A body that does not say its length is too large before it is anything else.
    if (exchange.bodyBytes === undefined) await readWholeBody(exchange)
    const weight = endpoint.weigh(request)
    const { pages, isRead, calls } = weight instanceof Promise ? await weight : weight
    const made = pages === 0 ? await endpoint.answer(request) : await readPages(pages, endpoint, request)
    // What has been done is told, however little room there is.
    const isSent = held.answer(exchange.holder, made.body.length, isRead)
    if (!isSent) made.stream?.cancel()
    const answer = isSent ? made : endpoint.refuse(overloaded(), ctx.requestId)
    if (caller) countUnheard(ctx, caller, answer, { calls, method: exchange.method })
    return answer
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

/** Adds what agents call, where the app offers them something. @returns where their users sign in */
function addMcp(
  endpoints: Map<string, Endpoint>,
  { engine, actions, corsOrigins, mcp }: EngineEndpointsOptions,
  callables: Callables,
): ResourceMetadata | undefined {
  const service = createMcpService({ engine, actions, callables, readList })
  if (!service) return undefined
  const metadata = createResourceMetadata({ url: mcp.url, issuer: mcp.issuer })
  const mayCall = createOriginMatcher(corsOrigins)
  endpoints.set(MCP_PATH, createMcpEndpoint({ service, metadata, mayCall }))
  return metadata
}

function endpointsOf(router: EngineEndpointsOptions['router'], callables: Callables): Map<string, Endpoint> {
  const byTable = createProcedureRoutes(callables)
  return new Map([
    ['/api/actions', createActionEndpoint(callables)],
    ['/api/records', createRecordsEndpoint(callables)],
    ['/api/integrations', createIntegrationsEndpoint(callables)],
    ['/api/users', byTable],
    ['/api/audit', byTable],
    ['/api/calls', byTable],
    ['/api/credits', byTable],
    ['/api/data', byTable],
    ['/api/jobs', byTable],
    ['/api/outbox', byTable],
    ['/api/schedules', byTable],
    ['/api/status', byTable],
    ['/trpc', createTrpcEndpoint(router, callables)],
  ])
}

/** The part of a path that names an endpoint: one segment, or two below `/api`. */
function addressOf(pathname: string): string {
  const end = pathname.indexOf('/', pathname.startsWith('/api/') ? 5 : 1)
  return end < 0 ? pathname : pathname.slice(0, end)
}
