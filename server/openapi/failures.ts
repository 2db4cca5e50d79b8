import { type ErrorCode, HTTP_STATUS } from '../core/errors.ts'
import type { JsonObject } from '../core/result.ts'

/** When a call fails with each code, as a reader of the document is told. */
const MEANINGS: Readonly<Record<ErrorCode, string>> = {
  BAD_REQUEST: 'What was sent is not what is taken; issues name each place.',
  UNAUTHORIZED: 'There is no valid token.',
  PAYMENT_REQUIRED: 'The account that pays has too few credits.',
  FORBIDDEN: 'The caller may not do this.',
  NOT_FOUND: 'There is no such record or action, or none for this caller.',
  METHOD_NOT_SUPPORTED: 'The address takes another method; Allow names it.',
  CONFLICT: 'It conflicts with what is there, or the same call is still running.',
  PRECONDITION_FAILED: 'Something that this needs is not so.',
  PAYLOAD_TOO_LARGE: 'The body, or the answer, is too large.',
  UNSUPPORTED_MEDIA_TYPE: 'The body is no JSON.',
  UNPROCESSABLE_CONTENT: 'The Idempotency-Key was used with another input.',
  TOO_MANY_REQUESTS: 'The caller calls too often; Retry-After says when to call again.',
  INTERNAL_SERVER_ERROR: 'The server failed; the request id finds the cause in its log.',
  BAD_GATEWAY: 'A third party failed.',
  SERVICE_UNAVAILABLE: 'The server cannot answer now; Retry-After says when to call again.',
  GATEWAY_TIMEOUT: 'It took too long; nothing of it was kept.',
}

const CODES = Object.keys(HTTP_STATUS) as readonly ErrorCode[]

const ISSUE: JsonObject = {
  type: 'object',
  properties: {
    path: { type: 'array', items: { type: ['string', 'number'] } },
    message: { type: 'string' },
    code: { type: 'string' },
    params: { type: 'object', additionalProperties: true },
  },
  required: ['path', 'message', 'code', 'params'],
  additionalProperties: false,
}

/** The schemas of what every failure is. */
export const FAILURE_SCHEMAS: Readonly<Record<string, JsonObject>> = {
  Issue: ISSUE,
  ...Object.fromEntries(CODES.map((code) => [failureName(code), failureSchema(code)])),
}

/** What every failure is, of whatever code. */
export const ANY_FAILURE: JsonObject = failureOf({ type: 'string', enum: CODES })

function failureSchema(code: ErrorCode): JsonObject {
  return failureOf({ type: 'string', const: code })
}

function failureOf(code: JsonObject): JsonObject {
  return {
    type: 'object',
    properties: {
      success: { type: 'boolean', const: false },
      error: { type: 'string', description: 'A sentence for a person.' },
      code,
      issues: { type: 'array', items: { $ref: '#/components/schemas/Issue' } },
      details: { type: 'object', additionalProperties: true },
    },
    required: ['success', 'error', 'code'],
    additionalProperties: false,
  }
}

/** `BAD_REQUEST` → `BadRequest`. */
function failureName(code: ErrorCode): string {
  return code.toLowerCase().replace(/(^|_)([a-z])/g, (_, _before, letter: string) => letter.toUpperCase())
}

const COMMON = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy'] as const

/** The headers of answers. */
export const HEADERS: JsonObject = {
  'X-Request-Id': header('Finds the call in the server’s log and audit.', { type: 'string' }, true),
  RateLimit: header('What is left of the limit that is nearest to its end.', { type: 'string' }),
  'RateLimit-Policy': header('The limits that the call counts for.', { type: 'string' }),
  'Retry-After': header('Seconds after which to call again.', { type: 'integer', minimum: 0 }),
  'Idempotency-Replayed': header('Whether the answer is that of an earlier call with the same key.', {
    type: 'string',
    const: 'true',
  }),
  'Deputy-Writes': header(
    'What the call wrote, of records that its caller may read, where Deputy-Tell-Writes asks for it: `collection/recordId` or `collection`, each encoded as in an address, between spaces; `*` for whatever there may be.',
    { type: 'string' },
  ),
  'WWW-Authenticate': header('How to sign in.', { type: 'string' }, true),
  Allow: header('The methods that the address takes.', { type: 'string' }),
}

function header(description: string, schema: JsonObject, required = false): JsonObject {
  return { description, ...(required ? { required } : {}), schema }
}

/** References to headers of the document. */
export function headersNamed(...names: readonly string[]): JsonObject {
  return Object.fromEntries(
    [...COMMON, ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  )
}

/** Every failure as an answer, by the name of its code. */
export const RESPONSES: JsonObject = Object.fromEntries(
  CODES.map((code) => [
    failureName(code),
    {
      description: MEANINGS[code],
      headers: headersNamed('Retry-After', ...ownHeaders(code)),
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${failureName(code)}` } } },
    },
  ]),
)

function ownHeaders(code: ErrorCode): readonly string[] {
  if (code === 'UNAUTHORIZED') return ['WWW-Authenticate']
  return code === 'METHOD_NOT_SUPPORTED' ? ['Allow'] : []
}

/** What every call may fail with, before it is looked at and while it is answered. */
const OF_ALL: readonly ErrorCode[] = [
  'BAD_REQUEST',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'PAYLOAD_TOO_LARGE',
  'TOO_MANY_REQUESTS',
  'INTERNAL_SERVER_ERROR',
  'SERVICE_UNAVAILABLE',
  'GATEWAY_TIMEOUT',
]

/** What makes a call fail in more ways. */
export interface FailureSources {
  /** It runs functions of the app, or calls a third party: it may fail with every code. */
  readonly runsApp?: boolean | undefined
  /** It reads or writes tables of the app, whose rules, triggers and constraints may refuse with 404, 405 and 409. */
  readonly usesRecords?: boolean | undefined
  readonly hasBody: boolean
  readonly takesKey: boolean
  /** What else it fails with. */
  readonly own?: readonly ErrorCode[] | undefined
}

/** References to the failures of a call, by status. */
export function failuresOf({
  runsApp,
  usesRecords,
  hasBody,
  takesKey,
  own = [],
}: FailureSources): JsonObject {
  const may = new Set<ErrorCode>([
    ...OF_ALL,
    ...own,
    ...(usesRecords ? (['NOT_FOUND', 'METHOD_NOT_SUPPORTED', 'CONFLICT'] as const) : []),
    ...(hasBody ? (['UNSUPPORTED_MEDIA_TYPE'] as const) : []),
    ...(takesKey ? (['CONFLICT', 'UNPROCESSABLE_CONTENT'] as const) : []),
  ])
  return Object.fromEntries(
    CODES.filter((code) => runsApp || may.has(code)).map((code) => [
      String(HTTP_STATUS[code]),
      { $ref: `#/components/responses/${failureName(code)}` },
    ]),
  )
}
