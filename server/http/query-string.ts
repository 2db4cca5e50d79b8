import { type Failure, fail } from '../core/result.ts'
import { quote } from '../tools/problems.ts'
import { InvalidInput } from '../trpc/error-shape.ts'
import { shortened } from '../wire/issues.ts'
import { badInput, type JsonBody } from './request-body.ts'

export type QueryString = { readonly values: ReadonlyMap<string, string> } | { readonly failure: Failure }

/** Reads the parameters of an address, each known and given once, in UTF-8. */
export function readQueryString(search: string, known: readonly string[]): QueryString {
  const wrong = (path: string, message: string) => ({
    failure: fail('BAD_REQUEST', `${path}: ${message}`, {
      issues: [{ path: [path], message, code: 'invalid_argument', params: {} }],
    }),
  })
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
