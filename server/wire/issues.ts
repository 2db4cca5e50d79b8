/// <reference lib="es2024.string" />

import type { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import { nearestName } from '../core/nearest-name.ts'
import type { Issue, IssueInfo, JsonValue } from '../core/result.ts'
import { isSecretAt, redactPath } from './redact.ts'
import { parseDecimal, parseIsoInstant } from './scalars.ts'

export const MAX_ISSUES = 20
const MAX_MESSAGE_LENGTH = 300
const MAX_MEANT_KEYS = 5
const NAMING: ReadonlySet<string> = new Set(['unrecognized_keys', 'invalid_value'])

/**
 * What a schema found wrong, fit to be shown: few, short, and without the value.
 *
 * @param schema says which keys of records are secret, where it is known.
 */
export function issuesOf(error: Pick<z.core.$ZodError, 'issues'>, schema?: z.ZodType): readonly Issue[] {
  return unknownKeysFirst(error.issues)
    .slice(0, MAX_ISSUES)
    .map((issue) => {
      const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
      // Both name what a marked schema takes, or what was sent to it.
      if (schema && NAMING.has(issue.code) && isSecretAt(schema, path)) {
        const shown = redactPath(schema, path).map(shortened)
        return { path: shown, message: 'Invalid input', code: issue.code, params: {} }
      }
      return {
        path: (schema ? redactPath(schema, path) : path).map(shortened),
        ...toldOf(issue),
      }
    })
}

/** Puts the keys that a schema does not know first: one that is misspelt is why another is missing. */
export function unknownKeysFirst<T extends { readonly code?: string | undefined }>(
  issues: readonly T[],
): readonly T[] {
  const isUnknown = ({ code }: T) => code === 'unrecognized_keys'
  return issues.some(isUnknown)
    ? [...issues.filter(isUnknown), ...issues.filter((issue) => !isUnknown(issue))]
    : issues
}

/** Adds to an issue the keys of the schema that were probably meant, of those that were not sent. */
export function withMeantKeys(
  issue: z.core.$ZodIssue,
  { inst, input }: z.core.$ZodRawIssue,
): z.core.$ZodIssue {
  if (issue.code !== 'unrecognized_keys' || !issue.message.startsWith('Unrecognized key')) return issue
  const shape: unknown = inst && Object.entries(inst._zod.def).find(([name]) => name === 'shape')?.[1]
  if (!isRecord(shape) || !isRecord(input)) return issue
  const unsent = Object.keys(shape).filter((key) => !Object.hasOwn(input, key))
  const meant = issue.keys.slice(0, MAX_MEANT_KEYS).flatMap((key) => nearestName(key, unsent) ?? [])
  if (meant.length === 0) return issue
  const named = [...new Set(meant)].map((key) => JSON.stringify(key)).join(', ')
  return { ...issue, message: `${issue.message}; did you mean ${named}?` }
}

/** What is told of an issue, beside where it is. */
export function toldOf(issue: z.core.$ZodIssue): Omit<Issue, 'path'> {
  return { message: capped(issueMessage(issue)), code: issue.code, params: issueParams(issue) }
}

/** A caller's key can be as long as the body. */
export function shortened(part: string | number): string | number {
  return typeof part === 'string' ? pathSegment(part) : part
}

/** `where.title: must be a string` */
export function sentence(issue: IssueInfo): string {
  return issue.path.length === 0 ? issue.message : `${formatPath(issue.path)}: ${issue.message}`
}

function capped(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message
}

function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((part, position) => (typeof part === 'number' ? `[${part}]` : position === 0 ? part : `.${part}`))
    .join('')
    .slice(0, 200)
}

/** How a value that JSON does not have is written; anything else zod says well enough. */
const WRITTEN: ReadonlyMap<string, string> = new Map([
  [
    'date',
    'must be a date and time with a zone, such as 2030-01-01T18:00:00Z (ISO 8601, to the millisecond)',
  ],
  ['bigint', 'must be a whole number, as text of decimal digits where it travels as JSON'],
])

/** What is wrong with a value and what would be right. */
function issueMessage(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return issue.message
  if (issue.input === undefined && issue.message.endsWith('received undefined')) return 'is required'
  if (spells(issue.expected, issue.input))
    return `is text where a function of the schema should have made a ${issue.expected}`
  return WRITTEN.get(issue.expected) ?? issue.message
}

/** Whether a text is right as it was sent, and reached a schema that does not read it by way of a function. */
function spells(expected: string, input: unknown): boolean {
  if (typeof input !== 'string') return false
  return expected === 'date'
    ? parseIsoInstant(input) !== undefined
    : expected === 'bigint' && parseDecimal(input) !== undefined
}

/** What each code tells beside its message, all of it the schema's own, and never of what was sent. */
const NAMES: Readonly<Record<z.core.$ZodIssueCode, readonly string[]>> = {
  invalid_type: ['expected'],
  too_big: ['origin', 'maximum', 'inclusive', 'exact'],
  too_small: ['origin', 'minimum', 'inclusive', 'exact'],
  invalid_format: ['format', 'pattern', 'prefix', 'suffix', 'includes', 'position', 'algorithm'],
  not_multiple_of: ['divisor'],
  unrecognized_keys: ['keys'],
  invalid_union: ['discriminator', 'options', 'inclusive'],
  invalid_key: ['origin'],
  invalid_element: ['origin'],
  invalid_value: ['values'],
  custom: [],
}

const MAX_MEMBERS = 50
const MAX_TEXT = 200

/** What a client needs to say in its own language what a message says. */
function issueParams(issue: z.core.$ZodIssue): Readonly<Record<string, JsonValue>> {
  const given = new Map<string, unknown>(Object.entries(issue))
  // Zod has the bound of a date in milliseconds.
  for (const bound of given.get('origin') === 'date' ? ['minimum', 'maximum'] : []) {
    if (given.has(bound)) given.set(bound, new Date(Number(given.get(bound))))
  }
  // What an app's rule tells is the app's own choice.
  const own = issue.code === 'custom' ? Object.entries(issue.params ?? {}) : []
  const told = [...NAMES[issue.code].map((name) => [name, given.get(name)] as const), ...own]
  return Object.fromEntries(
    told.flatMap(([name, value]) => {
      const plain = toPlain(value)
      return plain === undefined ? [] : [[name, plain]]
    }),
  )
}

/** Dates and bigints as their text; undefined for what is no plain value, nor a list of such. */
function toPlain(value: unknown): JsonValue | undefined {
  switch (typeof value) {
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : undefined
    case 'bigint':
      return String(value)
    case 'string':
      return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
    case 'object':
      if (value === null) return null
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
      if (value instanceof RegExp) return toPlain(value.source)
      return Array.isArray(value)
        ? value
            .slice(0, MAX_MEMBERS)
            .map(toPlain)
            .filter((member) => member !== undefined)
        : undefined
    default:
      return undefined
  }
}

const MAX_SEGMENT_LENGTH = 64

/** Makes a caller's key fit for an issue's path: short, and text that every log and column can hold. */
export function pathSegment(key: string): string {
  const shown = key.length > MAX_SEGMENT_LENGTH ? `${key.slice(0, MAX_SEGMENT_LENGTH)}…` : key
  return shown.toWellFormed().replaceAll('\0', '\uFFFD')
}
