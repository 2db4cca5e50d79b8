import type { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import type { CatalogEntry } from '../tools/catalog.ts'
import { reviveBySchema } from '../wire/from-json.ts'

const GROUPS: ReadonlySet<string> = new Set(['AND', 'OR'])

/** Revives dates and bigints in the options of a query that came as plain JSON. */
export function optionsFromJson<T>(entry: CatalogEntry, options: T): T {
  if (!isRecord(options) || !Object.hasOwn(options, 'where')) return options
  return { ...options, where: whereFromJson(entry, options.where) }
}

/** Turns ISO 8601 text into a Date and decimal text into a bigint where a `where` compares such a column. */
function whereFromJson(entry: CatalogEntry, where: unknown): unknown {
  if (!isRecord(where)) return where
  return mapValues(where, (key, value) => {
    if (GROUPS.has(key) && Array.isArray(value)) return value.map((member) => whereFromJson(entry, member))
    if (key === 'NOT') return whereFromJson(entry, value)
    const schema = entry.valueSchemas.get(key)
    const element = entry.types.get(key)?.element
    return schema ? comparison(schema, element && (element.operand ?? element.schema), value) : value
  })
}

function comparison(schema: z.ZodType, element: z.ZodType | undefined, value: unknown): unknown {
  if (!isRecord(value)) return reviveBySchema(schema, value)
  return mapValues(value, (operator, operand) => {
    if (operator === 'has') return element ? reviveBySchema(element, operand) : operand
    return Array.isArray(operand)
      ? operand.map((each) => reviveBySchema(schema, each))
      : reviveBySchema(schema, operand)
  })
}

function mapValues(
  value: Record<string, unknown>,
  turn: (key: string, value: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, turn(key, each)]))
}
