import type { ErrorCode } from '../core/errors.ts'
import { fail, type JsonValue } from '../core/result.ts'
import { jsonProblem } from '../wire/plain-data.ts'
import type { Configuration } from './configuration.ts'
import type { Connection } from './connection.ts'
import type { EndpointDeclaration } from './declarations.ts'
import type { OutboundRequest, OutboundResponse } from './exchange.ts'
import type { OutboundAnswer, OutboundCall, SendOptions } from './integrations.ts'
import {
  answerOfFailure,
  answerOfSuccess,
  answerWithoutEffect,
  inputOf,
  withStatus,
} from './outbound-answer.ts'
import { MAX_ANSWER_BYTES } from './send-by-proxy.ts'
import { readUpstreamError, reportFailure } from './upstream-error.ts'
import { type CallAttempt, withRetries } from './with-retries.ts'

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_RETRIES = 2

interface DirectTarget {
  readonly call: OutboundCall
  readonly endpoint: EndpointDeclaration
  readonly connection: Connection
  /** Whether the provider is told what its calls are a part of. */
  readonly isTraced: boolean
}

/** Calls the provider itself, with the app's credential. The address comes from configuration and constants alone. */
export async function sendDirect(
  { http, log }: Configuration,
  target: DirectTarget,
  options: SendOptions,
): Promise<OutboundAnswer> {
  const { call, endpoint } = target
  const request = tryToBuild(target, options)
  if (request instanceof Error) {
    log.error({ err: request, name: call.name }, 'A request could not be built from its declaration')
    return answerWithoutEffect(
      fail('PRECONDITION_FAILED', `"${call.name}" cannot be sent so; the server's log says why.`),
    )
  }
  const policy = {
    retries: endpoint.retries ?? DEFAULT_RETRIES,
    isSafe: endpoint.method === 'GET' || endpoint.idempotencyHeader !== undefined,
    timeoutMs: Math.min(endpoint.timeoutMs ?? DEFAULT_TIMEOUT_MS, options.timeoutMs),
    reserve: call.reserve,
  }
  return withRetries(policy, async (timeoutMs) => {
    const response = await http.request({ ...request, timeoutMs, maxBytes: MAX_ANSWER_BYTES })
    if (isAnswer(response, 200, 300))
      return {
        answer: withStatus(answerOfSuccess(call, endpoint, response.body, log), response),
        again: 'never',
      }
    if (response.kind === 'failed') {
      reportFailure(log, call.name, request.url, response)
      return { answer: withStatus(answerOfFailure(call, response), response), again: whenAgain(response) }
    }
    const { status, retryAfterSeconds } = response
    if ([401, 402, 403].includes(status))
      log.warn({ name: call.name, status }, 'A provider refused the credentials or the account of the app')
    return {
      answer: withStatus(directFailure(call, response), response),
      again: status === 429 || status >= 500 ? 'if safe' : 'never',
      retryAfterSeconds,
    }
  })
}

type Response<K> = Extract<OutboundResponse, { kind: K }>

function isAnswer(response: OutboundResponse, from: number, below: number): response is Response<'answer'> {
  return response.kind === 'answer' && response.status >= from && response.status < below
}

function whenAgain({ reason, wasSent }: Response<'failed'>): CallAttempt['again'] {
  if (reason === 'refused address') return 'never'
  if (!wasSent) return 'always'
  return reason === 'unreachable' || reason === 'timeout' ? 'if safe' : 'never'
}

type Built = Omit<OutboundRequest, 'timeoutMs' | 'maxBytes'>

/** Builds the request. The app's own functions may throw, or return what cannot be sent. */
function tryToBuild(target: DirectTarget, options: SendOptions): Built | Error {
  try {
    return build(target, options)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function build(
  { call, endpoint, connection, isTraced }: DirectTarget,
  { idempotencyKey, traceHeaders }: SendOptions,
): Built {
  const { method, path, idempotencyHeader } = endpoint
  const input = inputOf(call)
  const url = new URL(connection.baseUrl)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`
  url.search = queryText(endpoint.query?.(input) ?? (method === 'GET' ? input : {}))
  return {
    method,
    url,
    headers: {
      ...(isTraced ? traceHeaders : {}),
      ...connection.headers,
      ...(idempotencyHeader === undefined ? {} : { [idempotencyHeader]: idempotencyKey }),
    },
    secrets: connection.secrets,
    body: method === 'GET' ? undefined : bodyOf(call, endpoint),
  }
}

function bodyOf(call: OutboundCall, endpoint: EndpointDeclaration): JsonValue {
  if (!endpoint.body) return call.data
  const body = endpoint.body(inputOf(call))
  const problem = jsonProblem(body)
  if (problem !== undefined) throw new TypeError(`The body must be JSON: ${problem}`)
  return body
}

function queryText(query: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    if (!['string', 'number', 'boolean'].includes(typeof value))
      throw new TypeError(`The query's "${name}" must be text, a number or a boolean; declare a query`)
    parameters.append(name, String(value))
  }
  return parameters.toString()
}

type Answered = Extract<OutboundResponse, { kind: 'answer' }>

/**
 * Converts a provider's refusal or breakdown. A caller cannot correct the app's own account, and the provider's message
 * about it may name keys, so it is not repeated.
 */
function directFailure({ name }: OutboundCall, answer: Answered): OutboundAnswer {
  const { status, body, retryAfterSeconds } = answer
  if (status === 401)
    return answerWithoutEffect(fail('BAD_GATEWAY', `"${name}" refused the app's credentials.`))
  if (status === 402 || status === 403)
    return answerWithoutEffect(fail('BAD_GATEWAY', `"${name}" refused the app's account.`))
  if (status < 400 || status >= 500) {
    const result = fail('BAD_GATEWAY', `"${name}": answered with status ${status}`)
    return { result, outcome: 'answered', cost: 0 }
  }
  const later = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }
  // The limit counts for the app's whole account.
  if (status === 429)
    return answerWithoutEffect(
      fail('TOO_MANY_REQUESTS', `"${name}" takes no more calls of the app for now.`, later),
    )
  const { message, issues } = readUpstreamError(body)
  const text = message ?? `answered with status ${status}`
  return answerWithoutEffect(
    fail(codeOf(status), `"${name}": ${text}`, { ...(issues.length > 0 ? { issues } : {}), ...later }),
  )
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case 413:
      return 'PAYLOAD_TOO_LARGE'
    case 422:
      return 'UNPROCESSABLE_CONTENT'
    default:
      return 'BAD_REQUEST'
  }
}
