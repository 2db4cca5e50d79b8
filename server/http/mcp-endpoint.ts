import { verifiedUser } from '../auth/authentication.ts'
import { isRecord } from '../core/is-record.ts'
import { type Failure, fail } from '../core/result.ts'
import { quotaHeaders } from '../limits/quota.ts'
import { type McpMessage, type McpService, withoutArguments } from '../mcp/service.ts'
import { httpStatusOf } from '../trpc/error-shape.ts'
import { parseJson } from '../wire/parse-json.ts'
import { toWireJson } from '../wire/to-json.ts'
import type { Endpoint, EngineRequest, Weight } from './endpoint.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import { checkMediaType, readWholeBody } from './request-input.ts'
import type { ResourceMetadata } from './resource-metadata.ts'
import { answerOf, jsonHeaders, NOTHING_HERE, retryAfterOf } from './respond.ts'

/** What the protocol reads of a request's headers. */
const PROTOCOL_HEADERS = ['mcp-protocol-version', 'mcp-method', 'mcp-name']
const BOTH = 'application/json, text/event-stream'

/** Codes of JSON-RPC 2.0, section 5.1; the last one is the server's own. */
const PARSE_ERROR = -32_700
const INVALID_REQUEST = -32_600
const METHOD_NOT_FOUND = -32_601
const REFUSED = -32_000

/** How many values a message has besides the arguments of its tool: the library says of each what is wrong with it. */
const MAX_VALUES = 1_000

const CALL: Weight = { pages: 0, isRead: true, calls: 1 }
const PAGE: Weight = { pages: 1, isRead: true, calls: 1 }
const WRITE: Weight = { pages: 0, isRead: false, calls: 1 }

type ReadMessage = { readonly message: McpMessage } | { readonly code: number; readonly failure: Failure }

export interface McpEndpointOptions {
  readonly service: McpService
  readonly metadata: ResourceMetadata
  /** Whether pages of this origin may call. */
  mayCall(origin: string): boolean
}

/** Serves agents at `POST /mcp`: one message of JSON-RPC a request, and one answer in JSON. */
export function createMcpEndpoint({ service, metadata, mayCall }: McpEndpointOptions): Endpoint {
  const messages = new WeakMap<Exchange, Promise<ReadMessage>>()

  function read({ exchange }: EngineRequest): Promise<ReadMessage> {
    const reading = messages.get(exchange) ?? readMessage(exchange)
    messages.set(exchange, reading)
    return reading
  }

  /** Why a request is not read at all. */
  function problemWith({ exchange, path }: EngineRequest): Failure | undefined {
    if (path !== '') return NOTHING_HERE
    if (exchange.method !== 'POST')
      return fail('METHOD_NOT_SUPPORTED', 'There are no sessions and no streams here: agents send POST.')
    // The protocol asks for it: a page that was led here by its name must not call (DNS rebinding).
    const origin = exchange.header('origin')
    if (origin !== undefined && !mayCall(origin) && !metadata.isOrigin(exchange, origin))
      return fail('FORBIDDEN', 'Pages of this origin may not call: CORS_ORIGINS does not name it.')
    return exchange.header('idempotency-key') === undefined
      ? undefined
      : fail('BAD_REQUEST', 'An agent says its key in _meta["deputyjs/idempotency-key"], and in no header.')
  }

  return {
    transport: 'mcp',
    refuse: (failure, requestId) => refuse(failure, requestId),

    async weigh(request) {
      if (problemWith(request)) return CALL
      const caller = verifiedUser(await request.ctx.authenticator.authenticate())
      if ('failure' in caller) return CALL
      const sent = await read(request)
      return 'message' in sent ? weightOf(sent.message, service) : CALL
    },

    async answer(request) {
      const { ctx, exchange } = request
      const { requestId } = ctx
      const problem = problemWith(request)
      if (problem) {
        const answer = problem === NOTHING_HERE ? answerOf(problem, requestId) : refuse(problem, requestId)
        if (problem.code === 'METHOD_NOT_SUPPORTED') answer.headers.allow = 'POST'
        return answer
      }
      const caller = verifiedUser(await ctx.authenticator.authenticate())
      if ('failure' in caller) {
        const answer = refuse(caller.failure, requestId)
        if (answer.status === 401) answer.headers['www-authenticate'] = metadata.challenge(exchange)
        return answer
      }
      const sent = await read(request)
      if ('failure' in sent) return refuse(sent.failure, requestId, sent.code)
      const refused = await service.count(ctx, sent.message)
      if (refused) return refuse(refused, requestId, REFUSED, idOf(sent.message))
      if (sent.message.method === 'subscriptions/listen')
        return refuse(
          fail('BAD_REQUEST', 'Nothing is told here that could be listened to.'),
          requestId,
          METHOD_NOT_FOUND,
          idOf(sent.message),
        )
      const response = await service.answer(ctx, sent.message, protocolHeaders(exchange))
      const type = response.headers.get('content-type')
      const { 'content-type': _, ...headers } = jsonHeaders(requestId)
      return {
        status: response.status,
        headers: {
          ...(type === null ? {} : { 'content-type': type }),
          ...headers,
          ...quotaHeaders(ctx.quotas),
        },
        body: await response.text(),
      }
    },
  }
}

/** What one message asks for. */
function weightOf({ method, params }: McpMessage, { tools }: McpService): Weight {
  if (method === 'resources/read') return PAGE
  const name = method === 'tools/call' && isRecord(params) ? params.name : undefined
  const tool = typeof name === 'string' ? tools.get(name) : undefined
  if (!tool) return CALL
  return tool.definition.kind === 'query' ? PAGE : WRITE
}

async function readMessage(exchange: Exchange): Promise<ReadMessage> {
  const body = await readWholeBody(exchange)
  const mediaProblem = checkMediaType(exchange, false)
  if (mediaProblem) return { code: REFUSED, failure: mediaProblem }
  const json = parseJson(body)
  if (!json.ok) return { code: PARSE_ERROR, failure: fail('BAD_REQUEST', json.issue.message) }
  if (Array.isArray(json.value))
    return {
      code: INVALID_REQUEST,
      failure: fail(
        'BAD_REQUEST',
        'Send one message a request: the protocol has no batches since 2025-06-18.',
      ),
    }
  if (!isRecord(json.value) || json.value.jsonrpc !== '2.0')
    return {
      code: INVALID_REQUEST,
      failure: fail('BAD_REQUEST', 'The body must be one message of JSON-RPC 2.0.'),
    }
  if (isWider(withoutArguments(json.value), MAX_VALUES))
    return {
      code: INVALID_REQUEST,
      failure: fail(
        'BAD_REQUEST',
        `A message may have at most ${MAX_VALUES} values besides the arguments of its tool.`,
      ),
    }
  return { message: json.value }
}

/** Whether there are more values in it than so many. */
function isWider(value: unknown, most: number): boolean {
  let left = most
  const hasNoRoom = (each: unknown): boolean => {
    left -= 1
    return left < 0 || (typeof each === 'object' && each !== null && Object.values(each).some(hasNoRoom))
  }
  return hasNoRoom(value)
}

/** A failure of a request as a whole, as clients of JSON-RPC read it. */
function refuse(failure: Failure, requestId: string, code = REFUSED, id: string | number | null = null) {
  const { code: name, error: message, issues, details } = failure
  const data = { code: name, ...(issues ? { issues } : {}), ...(details ? { details } : {}) }
  const headers = jsonHeaders(requestId)
  const retryAfter = retryAfterOf([failure])
  if (retryAfter !== undefined) headers['retry-after'] = retryAfter
  const answer: HttpAnswer = {
    status: httpStatusOf(failure),
    headers,
    body: toWireJson({ jsonrpc: '2.0', id, error: { code, message, data } }),
  }
  return answer
}

function idOf({ id }: McpMessage): string | number | null {
  return typeof id === 'string' || typeof id === 'number' ? id : null
}

function protocolHeaders(exchange: Exchange): Headers {
  const accept = exchange.header('accept')
  const headers = new Headers({
    'content-type': 'application/json',
    accept: accept === undefined || accept === '*/*' ? BOTH : accept,
  })
  for (const name of PROTOCOL_HEADERS) {
    const value = exchange.header(name)
    if (value !== undefined) headers.set(name, value)
  }
  return headers
}
