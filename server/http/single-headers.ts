import type { Exchange } from './exchange.ts'

/** Headers that decide who calls what; given twice, a proxy and we might each read another one. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'content-type',
  'idempotency-key',
])
const LENGTHS: ReadonlySet<number> = new Set([...SINGLE_HEADERS].map(({ length }) => length))

/** The name of a header that was given twice; Node would join the values or drop one of them. */
export function repeatedHeader({ rawHeaders }: Pick<Exchange, 'rawHeaders'>): string | undefined {
  let seen: string[] | undefined
  for (let position = 0; position < rawHeaders.length; position += 2) {
    const sent = rawHeaders[position] ?? ''
    if (!LENGTHS.has(sent.length)) continue
    const name = sent.toLowerCase()
    if (!SINGLE_HEADERS.has(name)) continue
    if (seen?.includes(name)) return name
    seen ??= []
    seen.push(name)
  }
  return undefined
}
