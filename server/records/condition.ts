import { type SQL, sql } from 'drizzle-orm'

/** The records that a rule allows for one actor: all, none, or those that meet an SQL condition. */
export type Condition = SQL | boolean

/** Joins conditions of which one must hold. */
export function anyOf(...conditions: readonly Condition[]): Condition {
  if (conditions.includes(true)) return true
  const parts = conditions.filter((condition) => typeof condition !== 'boolean')
  if (parts.length <= 1) return parts[0] ?? false
  return sql`(${sql.join(parts, sql` or `)})`
}

/** Joins conditions that must all hold. */
export function allOf(...conditions: readonly Condition[]): Condition {
  if (conditions.includes(false)) return false
  const parts = conditions.filter((condition) => typeof condition !== 'boolean')
  if (parts.length <= 1) return parts[0] ?? true
  // A rule of the app may contain an `or`.
  return sql`(${sql.join(
    parts.map((part) => sql`(${part})`),
    sql` and `,
  )})`
}

/** Writes a condition for a WHERE clause, where NULL counts as false. */
export function toSql(condition: Condition): SQL {
  if (typeof condition !== 'boolean') return sql`(${condition})`
  return condition ? sql`true` : sql`false`
}

/** Writes a condition as a value that is true or false, never NULL. */
export function toValue(condition: Condition): SQL {
  return typeof condition === 'boolean' ? toSql(condition) : sql`((${condition}) is true)`
}
