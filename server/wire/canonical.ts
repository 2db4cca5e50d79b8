import canonicalize from 'canonicalize'

/**
 * The canonical text of a value (RFC 8785), with `Date` and `bigint`, which JSON does not have, told apart
 * from the strings that look like them.
 */
export function canonicalJson(value: unknown): string {
  return canonicalize(tag(value)) ?? 'undefined'
}

function tag(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: value.toString() }
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return { $date: value.toISOString() }
  if (Array.isArray(value)) return value.map(tag)
  const tagged: Record<string, unknown> = Object.create(null)
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) tagged[key.startsWith('$') ? `$${key}` : key] = tag(member)
  }
  return tagged
}

/**
 * An input as plain JSON would carry it: dates and bigints as the text that spells them, no undefined. So it is the same
 * on every transport, and stays the same when a schema takes text for a date, or a date for text, from some day on.
 */
export function asSent(value: unknown): unknown {
  if (value === undefined) return {}
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map((member) => (member === undefined ? null : asSent(member)))
  const sent: Record<string, unknown> = Object.create(null)
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) sent[key] = asSent(member)
  }
  return sent
}
