import canonicalize from 'canonicalize'
import { isRecord } from '../core/is-record.ts'
import { assertSendable, MAX_ANSWER_DEPTH } from './plain-data.ts'
import { isInstantInRange, isoText } from './scalars.ts'

/** What stands for a value that JSON would change; `assertSendable` says what is wrong with it, and where. */
const UNSENDABLE = Symbol('unsendable')

/**
 * Writes an answer as JSON: dates as ISO 8601 in UTC, bigints as decimal strings, undefined properties left
 * out. Throws for what JSON would silently change, such as NaN, a Map or a function.
 */
export function toWireJson(value: unknown): string {
  const texts = withTexts(value, MAX_ANSWER_DEPTH)
  if (texts === UNSENDABLE) {
    assertSendable(value)
    throw new Error('The answer cannot be sent.')
  }
  if (texts === undefined) throw new Error('The answer cannot be sent: JSON has no undefined.')
  return JSON.stringify(texts)
}

/**
 * The same with texts in place of dates and bigints: `JSON.stringify` takes four times as long when it has to ask each
 * date, and twice as long when it has to ask about each value. On the way it looks at all that `assertSendable` does.
 */
function withTexts(value: unknown, room: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value
    case 'number':
      return Number.isFinite(value) ? value : UNSENDABLE
    case 'bigint':
      return String(value)
    case 'object':
      if (value === null) return null
      if (value instanceof Date) return isInstantInRange(value) ? isoText(value) : UNSENDABLE
      if (room === 0) return UNSENDABLE
      if (Array.isArray(value)) return listWithTexts(value, room - 1)
      return isRecord(value) ? recordWithTexts(value, room - 1) : UNSENDABLE
    default:
      return UNSENDABLE
  }
}

function listWithTexts(list: readonly unknown[], room: number): unknown {
  let copy: unknown[] | undefined
  for (let index = 0; index < list.length; index++) {
    const member = withTexts(list[index], room)
    if (member === list[index]) continue
    if (member === UNSENDABLE) return UNSENDABLE
    copy ??= [...list]
    copy[index] = member
  }
  return copy ?? list
}

function recordWithTexts(record: Record<string, unknown>, room: number): unknown {
  let copy: Record<string, unknown> | undefined
  // `Object.keys` would make a list for each record of a page.
  for (const key in record) {
    if (!Object.hasOwn(record, key)) continue
    const given = record[key]
    const member = withTexts(given, room)
    if (member === UNSENDABLE || key === '__proto__') return UNSENDABLE
    if (member === given) continue
    copy ??= { ...record }
    copy[key] = member
  }
  return copy ?? record
}

/** Writes JSON as `JSON.stringify` does, and bigints, which it refuses, as decimal strings. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner))
}

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
