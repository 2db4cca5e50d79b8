import { DefinitionError } from '../core/errors.ts'
import { isStrictObject } from '../wire/schema-scan.ts'
import type {
  DirectDeclaration,
  EndpointDeclaration,
  IntegrationDeclaration,
  IntegrationDeclarations,
} from './declarations.ts'
import { isSegment } from './endpoint.ts'
import { isAmount } from './price.ts'

const MAX_TIMEOUT_MS = 110_000
const MAX_RETRIES = 5
const ENV_NAME = /^[A-Z][A-Z0-9_]{0,99}$/
const PATH = /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/
const HEADER_NAME = /^[A-Za-z0-9-]{1,100}$/
/** Headers of framing and routing, which can hold no secret and no key. */
const RESERVED_HEADERS =
  /^(host|connection|keep-alive|te|trailer|upgrade|expect|date|cookie|accept(-.*)?|content-.*|transfer-.*|proxy-.*|sec-.*)$/i

/** Refuses declarations that cannot work, or would charge the wrong account. @throws {DefinitionError} */
export function checkDeclarations(declarations: IntegrationDeclarations): void {
  for (const [name, declaration] of Object.entries(declarations)) {
    // A name that no endpoint can have would leave its calls undeclared, and so to the owner.
    check(isSegment(name), `Integration "${name}" must be named of a-z, 0-9, ".", "_" and "-"`)
    checkAccess(`Integration "${name}"`, declaration)
    if (declaration.direct) checkDirect(name, declaration.direct)
  }
}

function checkAccess(where: string, declaration: IntegrationDeclaration): void {
  // Checked at runtime too, for an app that is not type-checked.
  const { billing, clients }: { billing: string; clients: string } = declaration
  check(['developer', 'user'].includes(billing), `${where}: billing must be "developer" or "user"`)
  check(
    ['none', 'users', 'anyone'].includes(clients),
    `${where}: clients must be "none", "users" or "anyone"; it has no default`,
  )
  const { trace }: { trace?: unknown } = declaration
  check(trace === undefined || typeof trace === 'boolean', `${where}: trace must be true or false`)
  check(
    billing !== 'user' || clients !== 'anyone',
    `${where}: an anonymous caller cannot pay, so clients must be "users" or "none"`,
  )
}

function checkDirect(name: string, { baseUrl, secret, endpoints }: DirectDeclaration): void {
  const where = `Integration "${name}"`
  for (const env of [baseUrl.env, ...(secret ? [secret.env] : [])])
    check(ENV_NAME.test(env), `${where}: "${env}" must be a variable's name such as OPENAI_BASE_URL`)
  if (secret?.as === 'header') checkHeader(where, secret.name)
  if (secret?.as === 'basic')
    check(/^[\x20-\x39\x3b-\x7e]+$/.test(secret.user), `${where}: the user must be printable, without colon`)
  check(Object.keys(endpoints).length > 0, `${where}: direct needs at least one endpoint`)
  for (const [endpoint, declared] of Object.entries(endpoints)) {
    check(isSegment(endpoint), `Endpoint "${name}/${endpoint}" must be named of a-z, 0-9, ".", "_" and "-"`)
    checkEndpoint(`Endpoint "${name}/${endpoint}"`, declared)
  }
}

function checkEndpoint(where: string, endpoint: EndpointDeclaration): void {
  const { method, path, input, timeoutMs, retries, idempotencyHeader, price } = endpoint
  check(PATH.test(path), `${where}: the path "${path}" must be constant segments, such as /v1/forecast`)
  check(isStrictObject(input), `${where}: the input must be a z.strictObject, so that no key is dropped`)
  check(method !== 'GET' || !endpoint.body, `${where}: a GET has no body; give it a query`)
  check(
    timeoutMs === undefined || isWhole(timeoutMs, 1, MAX_TIMEOUT_MS),
    `${where}: timeoutMs must be a whole number from 1 to ${MAX_TIMEOUT_MS}`,
  )
  check(
    retries === undefined || isWhole(retries, 0, MAX_RETRIES),
    `${where}: retries must be a whole number from 0 to ${MAX_RETRIES}`,
  )
  check(
    method === 'GET' || !retries || idempotencyHeader !== undefined,
    `${where}: a ${method} is tried again only where the provider knows it again: name its idempotencyHeader`,
  )
  if (idempotencyHeader !== undefined) {
    checkHeader(where, idempotencyHeader)
    check(!/^authorization$/i.test(idempotencyHeader), `${where}: "authorization" is no idempotencyHeader`)
  }
  check(
    typeof price === 'number'
      ? isAmount(price)
      : typeof price?.reserve === 'function' && typeof price.charge === 'function',
    `${where}: the price must be a whole number of micro-credits from 0 to 9e15, or reserve and charge`,
  )
}

function checkHeader(where: string, name: string): void {
  check(
    HEADER_NAME.test(name) && !RESERVED_HEADERS.test(name),
    `${where}: the header "${name}" is not one that can be set`,
  )
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}

function check(holds: boolean, problem: string): void {
  if (!holds) throw new DefinitionError(problem)
}
