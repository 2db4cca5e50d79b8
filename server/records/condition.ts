import { type SQL, sql } from 'drizzle-orm'

/** What a rule comes to for one actor: everything, nothing, or the records that meet an SQL condition. */
export type Condition = SQL | boolean

/** True where any of the conditions is. */
export function anyOf(...conditions: readonly Condition[]): Condition {
  if (conditions.includes(true)) return true
  const parts = conditions.filter((condition) => typeof condition !== 'boolean')
  if (parts.length <= 1) return parts[0] ?? false
  return sql`(${sql.join(parts, sql` or `)})`
}

/** True where all of the conditions are. */
export function allOf(...conditions: readonly Condition[]): Condition {
  if (conditions.includes(false)) return false
  const parts = conditions.filter((condition) => typeof condition !== 'boolean')
  if (parts.length <= 1) return parts[0] ?? true
  // A rule of the app's own may have an `or` in it.
  return sql`(${sql.join(
    parts.map((part) => sql`(${part})`),
    sql` and `,
  )})`
}

/** For a WHERE clause, in which NULL counts as false. */
export function toSql(condition: Condition): SQL {
  if (typeof condition !== 'boolean') return sql`(${condition})`
  return condition ? sql`true` : sql`false`
}

/** As a value that is true or false, never NULL. */
export function toValue(condition: Condition): SQL {
  return typeof condition === 'boolean' ? toSql(condition) : sql`((${condition}) is true)`
}
