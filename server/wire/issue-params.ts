import type { z } from 'zod'
import type { JsonValue } from '../core/result.ts'

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
export function issueParams(issue: z.core.$ZodIssue): Readonly<Record<string, JsonValue>> {
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
