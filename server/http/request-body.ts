import { type Failure, fail } from '../core/result.ts'
import { InvalidInput } from '../trpc/error-shape.ts'
import { parseJson } from '../wire/json.ts'
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

export function badInput(error: InvalidInput): Failure {
  return fail('BAD_REQUEST', error.message, { issues: error.issues })
}

/** What the sender of a larger body is told. */
export function tooLarge(maxBytes: number): string {
  return `A body may have at most ${maxBytes} bytes${maxBytes === 1024 * 1024 ? '' : ' at this address'}.`
}
