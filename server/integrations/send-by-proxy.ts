import { type ErrorCode, HTTP_STATUS, isErrorCode, UNAUTHORIZED_MESSAGE } from '../core/errors.ts'
import { type Failure, fail } from '../core/result.ts'
import type { Configuration } from './configuration.ts'
import type { EndpointDeclaration } from './declarations.ts'
import type { OutboundResponse } from './exchange.ts'
import type { OutboundAnswer, OutboundCall, SendOptions } from './integrations.ts'
import { answerOfFailure, answerOfSuccess, answerWithoutEffect, withStatus } from './outbound-answer.ts'
import { isObject, readUpstreamError, reportFailure } from './upstream-error.ts'

/** Of a body, after decompression. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const DEFAULT_TIMEOUT_MS = 30_000

/** Calls the proxy with the payer's own token, whose subject it bills. */
export async function sendByProxy(
  configuration: Configuration,
  call: OutboundCall,
  declared: EndpointDeclaration | undefined,
  options: SendOptions,
): Promise<OutboundAnswer> {
  const isTraced = configuration.integrations.get(call.integration)?.declaration.trace === true
  const { apiWorkerUrl, ownerJwt, http, log, proxyTimeoutMs = DEFAULT_TIMEOUT_MS } = configuration
  if (!apiWorkerUrl)
    return answerWithoutEffect(fail('PRECONDITION_FAILED', 'Set API_WORKER_URL: no proxy is configured.'))
  const bearer = call.payer === 'owner' ? ownerJwt : options.callerJwt
  if (bearer === undefined) return answerWithoutEffect(noToken(call))
  const url = proxyUrl(apiWorkerUrl, call)
  const response = await http.request({
    method: 'POST',
    url,
    // For a proxy that recognizes repeated calls; only messages of the outbox are sent again.
    headers: {
      ...(isTraced ? options.traceHeaders : {}),
      authorization: `Bearer ${bearer}`,
      'idempotency-key': options.idempotencyKey,
    },
    secrets: [bearer],
    body: call.data,
    timeoutMs: Math.max(1, Math.min(declared?.timeoutMs ?? proxyTimeoutMs, options.timeoutMs)),
    maxBytes: MAX_ANSWER_BYTES,
  })
  if (response.kind === 'failed') {
    reportFailure(log, call.name, url, response)
    return withStatus(answerOfFailure(call, response), response)
  }
  const { status, body } = response
  const envelope = isObject(body) && typeof body.success === 'boolean' ? body : undefined
  const answer =
    status >= 200 && status < 300 && envelope?.success !== false
      ? answerOfSuccess(call, declared, envelope?.data === undefined ? body : envelope.data, log)
      : refused(upstreamFailure(call, response))
  return withStatus(answer, response)
}

function noToken({ name, payer }: OutboundCall): Failure {
  return payer === 'owner'
    ? fail('PRECONDITION_FAILED', `Set APP_OWNER_JWT to call "${name}": the app's owner pays for it.`)
    : fail('UNAUTHORIZED', UNAUTHORIZED_MESSAGE)
}

function proxyUrl(base: URL, { integration, endpoint }: OutboundCall): URL {
  const url = new URL(base)
  url.pathname = `${base.pathname.replace(/\/+$/, '')}/api/integrations/${integration}/${endpoint}`
  return url
}

/** Makes the answer of a refusal, which has no side effect, or of a breakdown, which may have one. */
function refused(result: Failure): OutboundAnswer {
  const isBreakdown = result.code === 'BAD_GATEWAY' || result.code === 'GATEWAY_TIMEOUT'
  return isBreakdown ? { result, outcome: 'answered', cost: 0 } : answerWithoutEffect(result)
}

type Answered = Extract<OutboundResponse, { kind: 'answer' }>

function upstreamFailure(call: OutboundCall, { status, body, retryAfterSeconds }: Answered): Failure {
  const { message, code, issues } = readUpstreamError(body)
  return fail(
    ours(code ?? codeOfStatus(status), call),
    `"${call.name}": ${message ?? `answered with status ${status}`}`,
    {
      ...(issues.length > 0 ? { issues } : {}),
      ...(retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }),
    },
  )
}

/** Converts a code: the provider's breakdown is not ours, and a caller cannot correct the owner's token. */
function ours(code: ErrorCode, { payer }: OutboundCall): ErrorCode {
  if (code === 'INTERNAL_SERVER_ERROR') return 'BAD_GATEWAY'
  return code === 'UNAUTHORIZED' && payer === 'owner' ? 'BAD_GATEWAY' : code
}

function codeOfStatus(status: number): ErrorCode {
  for (const [code, known] of Object.entries(HTTP_STATUS))
    if (known === status && isErrorCode(code)) return code
  return status >= 400 && status < 500 ? 'BAD_REQUEST' : 'BAD_GATEWAY'
}
