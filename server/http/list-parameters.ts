import { InvalidInput } from '../trpc/error-shape.ts'
import { badInput, type JsonBody } from './json-body.ts'
import { numberOrText, readQueryString } from './query-string.ts'

const LIST_PARAMETERS = ['where', 'orderBy', 'orderDir', 'limit', 'cursor'] as const

/** Reads the options of a query from an address: `where` is JSON, the rest is text. */
export function readList(search: string): JsonBody {
  const read = readQueryString(search, LIST_PARAMETERS)
  if ('failure' in read) return read
  const options: Record<string, unknown> = Object.fromEntries(read.values)
  const limit = numberOrText(read.values.get('limit'))
  if (limit !== undefined) options.limit = limit
  const text = read.values.get('where')
  if (text === undefined) return { value: options }
  const where = parseWhere(text)
  return 'failure' in where ? where : { value: { ...options, where: where.value } }
}

function parseWhere(text: string): JsonBody {
  try {
    return { value: JSON.parse(text) }
  } catch {
    const issue = { path: ['where'], message: 'must be a JSON object of conditions' }
    return { failure: badInput(new InvalidInput([issue])) }
  }
}
