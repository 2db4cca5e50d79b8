import { type Failure, fail } from '../core/result.ts'
import { quote } from '../tools/problems.ts'
import { InvalidInput } from '../trpc/error-shape.ts'
import { shortened } from '../wire/issues.ts'
import { parseJson } from '../wire/parse-json.ts'
import type { Exchange } from './exchange.ts'

/** Of a request's body; a larger one is 413. */
export const MAX_BODY_BYTES = 1024 * 1024

/** A body that went on beyond its limit. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

/** A request whose sender hung up in the middle of its body. */
export class RequestEndedError extends Error {
  override readonly name = 'RequestEndedError'
}

/**
 * Reads the body of a request to an address of the engine's.
 *
 * @throws {BodyTooLargeError | RequestEndedError}
 */
export async function readWholeBody(exchange: Pick<Exchange, 'readBody'>): Promise<Uint8Array> {
  const body = await exchange.readBody(MAX_BODY_BYTES)
  if (body === 'too large') throw new BodyTooLargeError(tooLarge(MAX_BODY_BYTES))
  if (body === 'ended early') throw new RequestEndedError('The request ended before it was complete.')
  return body
}

/** Refuses a body that is not plain JSON; an empty body needs no type. */
export function checkMediaType(exchange: Pick<Exchange, 'header'>, isEmpty: boolean): Failure | undefined {
  if (exchange.header('content-encoding') !== undefined) {
    return fail('UNSUPPORTED_MEDIA_TYPE', 'Send the body without Content-Encoding.')
  }
  const type = exchange.header('content-type')
  if (isEmpty && type === undefined) return undefined
  if (type !== undefined && /^application\/json\s*(;\s*charset=("?)utf-8\2\s*)?$/i.test(type))
    return undefined
  return fail('UNSUPPORTED_MEDIA_TYPE', 'Send the body as Content-Type: application/json.')
}

export type JsonBody = { readonly value: unknown } | { readonly failure: Failure }

/** Reads a JSON body; an empty one is `{}`. Whether it can be stored and sent as it is, the call looks. */
export async function readJsonBody(exchange: Exchange): Promise<JsonBody> {
  const body = await readWholeBody(exchange)
  const mediaProblem = checkMediaType(exchange, body.byteLength === 0)
  if (mediaProblem) return { failure: mediaProblem }
  const json = parseJson(body)
  return json.ok ? { value: json.value } : { failure: badInput(new InvalidInput([json.issue])) }
}

function badInput(error: InvalidInput): Failure {
  return fail('BAD_REQUEST', error.message, { issues: error.issues })
}

/** What the sender of a larger body is told. */
export function tooLarge(maxBytes: number): string {
  return `A body may have at most ${maxBytes} bytes${maxBytes === 1024 * 1024 ? '' : ' at this address'}.`
}

export type QueryString = { readonly values: ReadonlyMap<string, string> } | { readonly failure: Failure }

/** Reads the parameters of an address, each known and given once, in UTF-8. */
export function readQueryString(search: string, known: readonly string[]): QueryString {
  const wrong = (path: string, message: string) => ({
    failure: fail('BAD_REQUEST', `${path}: ${message}`, {
      issues: [{ path: [path], message, code: 'invalid_argument', params: {} }],
    }),
  })
  if (search === '') return { values: new Map() }
  if (!isUtf8(search)) return wrong('query', 'the address must be percent-encoded UTF-8')
  const values = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(search)) {
    if (!known.includes(name)) {
      const list = known.length === 0 ? 'none are taken' : `parameters are ${known.join(', ')}`
      const message = `There is no parameter ${quote(name)} here; ${list}.`
      const params = { keys: [shortened(name)] }
      return {
        failure: fail('BAD_REQUEST', message, {
          issues: [{ path: [], message, code: 'unrecognized_keys', params }],
        }),
      }
    }
    if (values.has(name)) return wrong(name, 'may be given once only')
    values.set(name, value)
  }
  return { values }
}

/** A number where the text is one, else the text, for the schema to refuse. */
export function numberOrText(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text
}

/** A lenient reader would put replacement characters in place of what it cannot read. */
function isUtf8(search: string): boolean {
  try {
    decodeURIComponent(search)
    return true
  } catch {
    return false
  }
}

const LIST_PARAMETERS = ['where', 'orderBy', 'orderDir', 'limit', 'cursor'] as const

/** Reads the options of a query from an address: `where` is JSON, the rest is text. */
export function readList(search: string): JsonBody {
  const read = readQueryString(search, LIST_PARAMETERS)
  if ('failure' in read) return read
  const options: Record<string, unknown> = Object.fromEntries(read.values)
  const limit = numberOrText(read.values.get('limit'))
  if (limit !== undefined) options.limit = limit
  return withWhere(options)
}

/** Reads the `where` of an input, which is JSON in an address; what has none stays as it is. */
export function withWhere(input: Readonly<Record<string, unknown>>): JsonBody {
  if (typeof input.where !== 'string') return { value: input }
  try {
    return { value: { ...input, where: JSON.parse(input.where) } }
  } catch {
    const issue = { path: ['where'], message: 'must be a JSON object of conditions' }
    return { failure: badInput(new InvalidInput([issue])) }
  }
}
