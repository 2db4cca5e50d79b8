import { isObject } from '../../form/schema.ts'

/** One comparison of a field with a value. */
export interface Condition {
  readonly field: string
  readonly operator: string
  /** Undefined while none is given. */
  readonly value: unknown
}

/** Writes conditions, all of which must hold, as a `where`. */
export function whereOf(conditions: readonly Condition[]): Readonly<Record<string, unknown>> {
  const where: Record<string, Record<string, unknown>> = {}
  for (const { field, operator, value } of conditions) {
    const same = where[field] ?? {}
    // The same comparison twice has no place in one object.
    if (Object.hasOwn(same, operator)) return { AND: conditions.map((each) => whereOf([each])) }
    where[field] = { ...same, [operator]: value }
  }
  return where
}

/** Reads a `where` as conditions; undefined for one that has groups, which only JSON shows. */
export function conditionsOf(where: unknown): readonly Condition[] | undefined {
  if (!isObject(where)) return undefined
  const { AND, ...fields } = where
  if (AND !== undefined) {
    if (!Array.isArray(AND) || Object.keys(fields).length > 0) return undefined
    const parts = AND.map(conditionsOf)
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined
  }
  if ('OR' in fields || 'NOT' in fields) return undefined
  return Object.entries(fields).flatMap(([field, comparison]): Condition[] => {
    if (comparison === null) return [{ field, operator: 'isNull', value: true }]
    if (!isObject(comparison)) return [{ field, operator: 'eq', value: comparison }]
    return Object.entries(comparison).map(([operator, value]) => ({ field, operator, value }))
  })
}
