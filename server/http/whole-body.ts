import type { Exchange } from './exchange.ts'
import { BodyTooLargeError, tooLarge } from './limited-body.ts'
import { MAX_BODY_BYTES } from './max-body-bytes.ts'

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
