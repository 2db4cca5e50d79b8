import { isRecord } from '../core/is-record.ts'
import { type ActionResult, type Failure, fail, type JsonValue, ok } from '../core/result.ts'
import { issuesOf, sentence } from '../wire/issues.ts'
import { jsonProblem } from '../wire/plain-data.ts'
import type { Configuration, ConfiguredIntegration } from './configuration.ts'
import type { EndpointDeclaration } from './declarations.ts'
import { type EndpointTarget, parseEndpoint } from './endpoint.ts'
import type { OutboundCall, Payer } from './integrations.ts'
import { reserveOf } from './price.ts'

/** Decides how a call is made, who pays and what is sent, from configuration and checked data alone. */
export function planCall(
  configuration: Configuration,
  text: string,
  data: JsonValue | undefined,
): ActionResult<OutboundCall> {
  const target = parseEndpoint(text)
  if (!target)
    return fail(
      'BAD_REQUEST',
      'An integration endpoint is "integration/endpoint", each of a-z, 0-9, ".", "_" and "-".',
    )
  const configured = configuration.integrations.get(target.integration)
  const declared = configured?.endpoints?.get(target.endpoint)
  if (configured?.endpoints && !declared) {
    const names = [...configured.endpoints.keys()].join(', ')
    return fail(
      'NOT_FOUND',
      `"${target.integration}" has no endpoint "${target.endpoint}"; its endpoints are ${names}.`,
    )
  }
  const name = `${target.integration}/${target.endpoint}`
  const sent = checkData(name, declared, data)
  if (!sent.success) return sent
  // The owner pays for an undeclared integration, and only actions can call it.
  const payer = configured?.declaration.billing === 'user' ? 'caller' : 'owner'
  const transport = configured?.connection ? 'direct' : 'proxy'
  const missing = whatIsMissing(configuration, target, configured, payer)
  if (missing) return missing
  const reserve =
    transport === 'direct' && declared
      ? reserveOf(declared.price, isRecord(sent.data) ? sent.data : {}, configuration.log.child({ name }))
      : 0
  if (reserve === undefined)
    return fail('PRECONDITION_FAILED', `The price of "${name}" cannot be told; the server's log says why.`)
  return ok({
    ...target,
    name,
    payer,
    transport,
    data: sent.data,
    reserve,
    takesKey: transport === 'direct' && declared?.idempotencyHeader !== undefined,
    needsCallerJwt: transport === 'proxy' && payer === 'caller',
  })
}

function checkData(
  name: string,
  declared: EndpointDeclaration | undefined,
  data: unknown = {},
): ActionResult<JsonValue> {
  const before = jsonProblem(data)
  if (before !== undefined) return noJson(before)
  if (!declared) return ok(asJson(data))
  const parsed = declared.input.safeParse(data)
  if (!parsed.success) {
    const issues = issuesOf(parsed.error, declared.input)
    const [first] = issues
    return fail('BAD_REQUEST', `The data of "${name}" is not right: ${first ? sentence(first) : ''}`, {
      issues,
    })
  }
  const after = jsonProblem(parsed.data)
  return after === undefined ? ok(asJson(parsed.data)) : noJson(after)
}

function noJson(problem: string): Failure {
  return fail('BAD_REQUEST', `The data of an integration must be JSON: ${problem}`)
}

/** Copies checked JSON without its undefined values. */
function asJson(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value))
}

function whatIsMissing(
  { apiWorkerUrl, ownerJwt, ownerUserId }: Configuration,
  { integration }: EndpointTarget,
  configured: ConfiguredIntegration | undefined,
  payer: Payer,
): Failure | undefined {
  const set = (variables: string, why: string) =>
    fail('PRECONDITION_FAILED', `Set ${variables} to call "${integration}": ${why}`)
  const isDirect = configured?.connection !== undefined
  if (!isDirect && !apiWorkerUrl) {
    return configured?.endpoints
      ? set(`${configured.missing.join(' and ')}, or API_WORKER_URL`, 'nothing leads to it.')
      : set('API_WORKER_URL', 'no proxy is configured.')
  }
  if (payer !== 'owner') return undefined
  if (ownerUserId === undefined) return set('OWNER_USER_ID', "the app's owner pays for it.")
  if (!isDirect && ownerJwt === undefined) return set('APP_OWNER_JWT', "the app's owner pays for it.")
  return undefined
}
