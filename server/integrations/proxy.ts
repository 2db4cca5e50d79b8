import { DefinitionError, type ErrorCode, HTTP_STATUS, isErrorCode } from '../errors.ts'
import { type ActionResult, type Failure, fail, type Issue, type JsonValue, ok } from '../result.ts'
import type { IntegrationCaller, Target } from './caller.ts'
import type { IntegrationDeclarations } from './declare.ts'
import { isSegment, parseEndpoint } from './endpoint.ts'
import { type JsonResponse, requestJson } from './http-json.ts'

export interface ProxyOptions {
  readonly integrations: IntegrationDeclarations
  /** `API_WORKER_URL`. Without it every call fails. */
  readonly baseUrl: URL | undefined
  /** `APP_OWNER_JWT`, which pays for `developer` integrations. */
  readonly ownerJwt: string | undefined
  /** @default 30000 */
  readonly timeoutMs?: number
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const MAX_ERROR_LENGTH = 500
const MAX_ISSUES = 20

/**
 * Calls integrations through the api-worker, with the payer's own token, so that it bills the token's subject.
 * An integration that is not declared is the owner's.
 */
export function createProxyCaller(options: ProxyOptions): IntegrationCaller {
  const declarations = new Map(Object.entries(options.integrations))
  for (const name of declarations.keys()) {
    // A name that no endpoint can have would leave its calls undeclared, and so to the owner.
    if (!isSegment(name))
      throw new DefinitionError(`Integration "${name}" must be named of a-z, 0-9, ".", "_" and "-"`)
  }
  const { baseUrl, ownerJwt } = options

  return {
    resolve(text) {
      const endpoint = parseEndpoint(text)
      if (!endpoint) {
        return fail(
          'BAD_REQUEST',
          'An integration endpoint is "integration/endpoint", each of a-z, 0-9, ".", "_" and "-".',
        )
      }
      if (!baseUrl) {
        return fail(
          'PRECONDITION_FAILED',
          `Set API_WORKER_URL to call "${endpoint.integration}": no proxy is configured.`,
        )
      }
      const billing = declarations.get(endpoint.integration)?.billing ?? 'developer'
      if (billing === 'developer' && ownerJwt === undefined) {
        return fail(
          'PRECONDITION_FAILED',
          `Set APP_OWNER_JWT to call "${endpoint.integration}": the app's owner pays for it.`,
        )
      }
      return ok({ ...endpoint, payer: billing === 'developer' ? 'owner' : 'caller' })
    },

    async send(target, data, callerJwt) {
      const bearer = target.payer === 'owner' ? ownerJwt : callerJwt
      if (!baseUrl || bearer === undefined) return fail('PRECONDITION_FAILED', 'No proxy is configured.')
      const response = await requestJson({
        method: 'POST',
        url: endpointUrl(baseUrl, target),
        bearer,
        body: data ?? {},
        timeoutMs: options.timeoutMs ?? 30_000,
        maxBytes: MAX_ANSWER_BYTES,
      })
      return toResult(target, response)
    },
  }
}

function endpointUrl(baseUrl: URL, target: Target): URL {
  const url = new URL(baseUrl)
  url.pathname = `${baseUrl.pathname.replace(/\/+$/, '')}/api/integrations/${target.integration}/${target.endpoint}`
  return url
}

function toResult(target: Target, response: JsonResponse): ActionResult<JsonValue> {
  const name = `${target.integration}/${target.endpoint}`
  if (response.kind === 'failed') {
    const code = response.reason === 'timeout' ? 'GATEWAY_TIMEOUT' : 'BAD_GATEWAY'
    const outcome = response.reason === 'not sent' ? 'not sent' : 'unknown'
    return fail(
      code,
      `"${name}" gave no usable answer (${outcome === 'not sent' ? 'unreachable' : response.reason}).`,
      { details: { outcome } },
    )
  }
  const { status, body } = response
  const envelope = isObject(body) && typeof body.success === 'boolean' ? body : undefined
  if (status >= 200 && status < 300 && envelope?.success !== false) {
    return ok(envelope && envelope.data !== undefined ? envelope.data : body)
  }
  return upstreamFailure(target, status, isObject(body) ? body : {})
}

function upstreamFailure(target: Target, status: number, body: JsonObject): Failure {
  const nested = isObject(body.error) ? body.error : body
  const message = [nested.error, nested.message, body.message].find((text) => typeof text === 'string')
  const code = isErrorCode(nested.code)
    ? nested.code
    : isErrorCode(body.code)
      ? body.code
      : codeOfStatus(status)
  const issues = toIssues(nested.issues ?? body.issues)
  const text =
    typeof message === 'string' ? message.slice(0, MAX_ERROR_LENGTH) : `answered with status ${status}`
  return fail(
    ours(code, target),
    `"${target.integration}/${target.endpoint}": ${text}`,
    issues.length > 0 ? { issues } : {},
  )
}

/** The upstream's own breakdown is not ours, and its refusal of the owner's token is not the caller's to mend. */
function ours(code: ErrorCode, target: Target): ErrorCode {
  if (code === 'INTERNAL_SERVER_ERROR') return 'BAD_GATEWAY'
  return code === 'UNAUTHORIZED' && target.payer === 'owner' ? 'BAD_GATEWAY' : code
}

function codeOfStatus(status: number): ErrorCode {
  for (const [code, known] of Object.entries(HTTP_STATUS))
    if (known === status && isErrorCode(code)) return code
  return status >= 400 && status < 500 ? 'BAD_REQUEST' : 'BAD_GATEWAY'
}

function toIssues(value: JsonValue | undefined): Issue[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, MAX_ISSUES).flatMap((issue: JsonValue) => {
    if (!isObject(issue) || typeof issue.message !== 'string') return []
    const path = Array.isArray(issue.path)
      ? issue.path.filter((part: JsonValue) => typeof part === 'string' || typeof part === 'number')
      : []
    return [{ path, message: issue.message.slice(0, MAX_ERROR_LENGTH) }]
  })
}

type JsonObject = { readonly [key: string]: JsonValue }

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
