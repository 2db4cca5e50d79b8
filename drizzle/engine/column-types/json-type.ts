import { z } from 'zod'
import { type ColumnType, UNREADABLE } from './column-type.ts'
import { isSameDecimal } from './decimal-text.ts'

/** As deep as an answer may be, less the envelope and the list that a record stands in. */
const MAX_DEPTH = 190
/** Only these numbers may have more digits than a double, or be out of its range. */
const LONG_NUMBER = /\d{16}|\d[eE][+-]?\d/
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const BRACKETS = /"(?:[^"\\]|\\.)*"|[[{\]}]/g

/** JSON, in which a `null` of its own would be read as an empty field. */
export const jsonType: ColumnType = {
  schema: z.unknown().superRefine((value, context) => {
    const odd = value === null ? 'null, which empties the field' : findOdd(value)
    if (odd) context.addIssue({ code: 'custom', message: `must be JSON; it holds ${odd}` })
  }),
  read: (value) => (typeof value === 'string' ? readJson(value) : value),
  isComparable: false,
}

/** What JSON would not give back as it was given: it drops undefined, or makes it null. */
function findOdd(value: unknown): string | undefined {
  if (value instanceof Date) return 'a Date (pass its ISO string)'
  if (typeof value === 'bigint') return 'a bigint (pass its decimal string)'
  if (value === undefined) return 'a undefined (leave it out)'
  if (Object.is(value, -0)) return 'a -0 (pass 0)'
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return `an integer beyond ±${Number.MAX_SAFE_INTEGER}, which would lose digits (pass it as a string)`
  if (typeof value !== 'object' || value === null) return undefined
  for (const member of Object.values(value)) {
    const odd = findOdd(member)
    if (odd) return odd
  }
  return undefined
}

/** Others than Deputy may have stored what a JavaScript value cannot be, or what no answer can carry. */
function readJson(text: string): unknown {
  if (LONG_NUMBER.test(text) && !hasExactNumbers(text)) return UNREADABLE
  if (text.includes('"__proto__"') || isTooDeep(text)) return UNREADABLE
  return JSON.parse(text)
}

function hasExactNumbers(text: string): boolean {
  for (const [token] of text.matchAll(TOKENS))
    if (!token.startsWith('"') && !isSameDecimal(token, String(Number(token)))) return false
  return true
}

function isTooDeep(text: string): boolean {
  if (text.split('[').length + text.split('{').length <= MAX_DEPTH) return false
  let depth = 0
  for (const [token] of text.matchAll(BRACKETS)) {
    if (token === '[' || token === '{') depth += 1
    else if (token === ']' || token === '}') depth -= 1
    if (depth > MAX_DEPTH) return true
  }
  return false
}
