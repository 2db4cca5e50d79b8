import canonicalize from 'canonicalize'

/**
 * The canonical text of a value (RFC 8785), with `Date` and `bigint`, which JSON does not have, told apart
 * from the strings that look like them.
 */
export function canonicalJson(value: unknown): string {
  return canonicalize(tag(value)) ?? 'undefined'
}

function tag(value: unknown): unknown {
  if (value instanceof Date) return { $date: value.toISOString() }
  if (typeof value === 'bigint') return { $bigint: value.toString() }
  if (Array.isArray(value)) return value.map(tag)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : [[key.replace(/^\$/, '$$$$'), tag(member)]],
    ),
  )
}
