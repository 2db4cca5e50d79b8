import type { JsonValue } from '../result.ts'

const REDACTED = '[redacted]'

/**
 * A copy of an answer in which `[redacted]` stands for every secret, in keys and values. It works on parsed
 * JSON, so that no escape in the text can hide one.
 */
export function redactSecrets(value: JsonValue, secrets: readonly string[]): JsonValue {
  // The longest first: a secret that begins like another one goes as a whole.
  const known = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length)
  if (known.length === 0) return value
  const pattern = new RegExp(known.map(escaped).join('|'), 'g')
  const numbers = new Set(known.filter((secret) => secret.trim() !== '').map(Number))
  const visit = (part: JsonValue): JsonValue => {
    if (typeof part === 'string') return part.replace(pattern, REDACTED)
    if (typeof part === 'number') return numbers.has(part) ? REDACTED : part
    if (typeof part !== 'object' || part === null) return part
    if (isList(part)) return part.map(visit)
    return Object.fromEntries(
      Object.entries(part).map(([key, member]) => [key.replace(pattern, REDACTED), visit(member)]),
    )
  }
  return visit(value)
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
