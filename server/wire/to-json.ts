import { assertSendable } from './answer.ts'

/**
 * Writes an answer as JSON: dates as ISO 8601 in UTC, bigints as decimal strings, undefined properties left
 * out. Throws for what JSON would silently change, such as NaN, a Map or a function.
 */
export function toWireJson(value: unknown): string {
  assertSendable(value)
  if (value === undefined) throw new Error('The answer cannot be sent: JSON has no undefined.')
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner))
}
