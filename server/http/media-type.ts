import { type Failure, fail } from '../core/result.ts'

/** Refuses a body that is not plain JSON; an empty body needs no type. */
export function checkMediaType(headers: Pick<Headers, 'get' | 'has'>, isEmpty: boolean): Failure | undefined {
  if (headers.has('content-encoding')) {
    return fail('UNSUPPORTED_MEDIA_TYPE', 'Send the body without Content-Encoding.')
  }
  const type = headers.get('content-type')
  if (isEmpty && type === null) return undefined
  if (type !== null && /^application\/json\s*(;\s*charset=("?)utf-8\2\s*)?$/i.test(type)) return undefined
  return fail('UNSUPPORTED_MEDIA_TYPE', 'Send the body as Content-Type: application/json.')
}
