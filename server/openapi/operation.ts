import type { JsonObject } from '../core/result.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import { type FailureSources, failuresOf, headersNamed } from './failures.ts'

/** One way to call one address. */
export interface OperationOptions extends Pick<FailureSources, 'runsApp' | 'usesRecords' | 'own'> {
  /** Unique in the document. */
  readonly id: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string | undefined
  readonly deprecated?: boolean | undefined
  readonly parameters?: readonly JsonObject[]
  /** The schema of the body. @default it takes none */
  readonly body?: { readonly schema: JsonObject; readonly isRequired: boolean } | undefined
  /** The schema of `data`, and whether it may be absent. */
  readonly data: JsonObject
  readonly mayLackData?: boolean
  /** Whether it takes an Idempotency-Key, or needs one. @default 'no' */
  readonly key?: 'no' | 'taken' | 'needed'
  /** What is said of it that OpenAPI has no word for. @default nothing */
  readonly told?: JsonObject
  /** Whether it may be called without a token. @default false */
  readonly isOpen?: boolean
  /** The schema of what each event holds, where it answers with a stream to those who accept one. @default it does not */
  readonly events?: JsonObject
}

/** Writes an operation. */
export function operation(options: OperationOptions): JsonObject {
  const { id, tags, summary, description, deprecated, body, key = 'no', isOpen } = options
  const { parameters = [], data, mayLackData = false, events } = options
  const all = [
    ...parameters,
    { $ref: `#/components/parameters/${ACT_AS}` },
    ...(key === 'no' ? [] : [keyParameter(key === 'needed'), TELL_WRITES]),
    ...(events ? [LAST_EVENT_ID] : []),
  ]
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(deprecated ? { deprecated } : {}),
    tags,
    ...options.told,
    ...(isOpen ? { security: [{ bearer: [] }, {}] } : {}),
    parameters: all,
    ...(body
      ? {
          requestBody: {
            required: body.isRequired,
            content: { 'application/json': { schema: body.schema } },
          },
        }
      : {}),
    responses: {
      '200': {
        description: 'It was done.',
        headers: headersNamed(...(key === 'no' ? [] : ['Idempotency-Replayed', 'Deputy-Writes'])),
        content: {
          'application/json': {
            schema: successOf(data, mayLackData),
          },
        },
        ...(events ? { 'x-stream': { 'text/event-stream': eventStream(events) } } : {}),
      },
      ...failuresOf({ ...options, hasBody: body !== undefined, takesKey: key !== 'no' }),
    },
  }
}

/** The schema of a success. */
export function successOf(data: JsonObject, mayLackData = false): JsonObject {
  return {
    type: 'object',
    properties: { success: { type: 'boolean', const: true }, data },
    required: mayLackData ? ['success'] : ['success', 'data'],
    additionalProperties: false,
  }
}

const LAST_EVENT_ID: JsonObject = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'Of a stream: the id of the last event that the caller has. It is not sent again.',
  schema: { type: 'string' },
}

/**
 * A stream of server-sent events, as OpenAPI 3.2 describes one by `itemSchema`, for which 3.1 has no word. It stands beside
 * `content`: generated clients take what is there for an answer that may always come, whatever they have asked for.
 */
function eventStream(data: JsonObject): JsonObject {
  return {
    schema: {
      type: 'string',
      description:
        'Server-sent events: the answer as it is now, and after each change as it is then. An event of the type `end` says why the server ends the stream.',
    },
    'x-itemSchema': {
      type: 'object',
      properties: {
        id: { type: 'string' },
        data: { type: 'string', contentMediaType: 'application/json', contentSchema: data },
      },
      required: ['id', 'data'],
    },
  }
}

function keyParameter(required: boolean): JsonObject {
  return {
    name: 'Idempotency-Key',
    in: 'header',
    required,
    description: `Names the call, so that repeating it has the effect of one: ${IDEMPOTENCY_KEY_RULE}.`,
    schema: { type: 'string', pattern: IDEMPOTENCY_KEY.source },
  }
}

const ACT_AS = 'Deputy-Act-As'

/** The parameters that every operation takes. */
export const COMMON_PARAMETERS: JsonObject = {
  [ACT_AS]: {
    name: ACT_AS,
    in: 'header',
    required: false,
    description: 'For the app’s owner: the id of the user as whom the call is made, percent-encoded.',
    schema: { type: 'string', minLength: 1 },
  },
}

const TELL_WRITES: JsonObject = {
  name: 'Deputy-Tell-Writes',
  in: 'header',
  required: false,
  description: 'Asks for the header Deputy-Writes, which says what the call wrote.',
  schema: { type: 'string', const: 'true' },
}

/** A parameter in the query string. */
export function queryParameter(name: string, schema: JsonObject, required = false): JsonObject {
  return { name, in: 'query', required, schema }
}

/** A parameter in the query string that is JSON. */
export function jsonParameter(name: string, schema: JsonObject): JsonObject {
  return { name, in: 'query', required: false, content: { 'application/json': { schema } } }
}

/** A segment of the path. */
export function pathParameter(name: string, description: string): JsonObject {
  return { name, in: 'path', required: true, description, schema: { type: 'string', minLength: 1 } }
}
