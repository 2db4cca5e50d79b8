import { type Failure, fail } from '../core/result.ts'
import type { Exchange } from './exchange.ts'

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
