// Decides what callers may see and do. Pure: no I/O, no clock.

import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Rule, RuleActor } from '../../drizzle/engine/access.ts'
import type { AnyCollection } from '../../drizzle/engine/collection.ts'

/** The columns that a collection's named rules use. */
export interface AccessColumns {
  readonly table: AnyCollection
  /** The column of `ownerField`, else `created_by`; `record_id` for `users`, whose rows belong to the user. */
  readonly owner: PgColumn
  readonly collaborators: PgColumn | undefined
  readonly team: { readonly column: PgColumn; readonly members: Memberships } | undefined
  readonly visibility: { readonly column: PgColumn; readonly value: unknown } | undefined
}

/** The collection that says who belongs to which team. */
export interface Memberships {
  readonly table: AnyCollection
  readonly teamId: PgColumn
  readonly userId: PgColumn
  readonly status: PgColumn
}

/** How a rule names the caller's id: alone, and as a list of one. Null for a caller without a token. */
export type CallerTerms = { readonly one: unknown; readonly list: unknown } | null

const ACTIVE = 'active'

/**
 * Compiles a rule for one actor into the condition that reads, lists and counts share. Its columns are qualified with the
 * table's name, so that it also works for a row that a statement builds under that name.
 */
export function compileRule(
  columns: AccessColumns,
  rule: Rule | undefined,
  actor: RuleActor,
  caller: CallerTerms = callerTerms(actor),
): Condition {
  switch (rule) {
    case undefined:
      return false
    case true:
    case false:
      return rule
    case 'own':
      return owned(columns, caller)
    case 'unclaimed-or-own':
      return anyOf(unclaimed(columns), owned(columns, caller))
    case 'collaborator':
      return anyOf(owned(columns, caller), listed(columns, caller))
    case 'team':
      return anyOf(owned(columns, caller), listed(columns, caller), ofTeam(columns, caller))
    case 'published':
      return anyOf(owned(columns, caller), visible(columns))
    case 'shared':
      return anyOf(owned(columns, caller), listed(columns, caller), visible(columns))
    default:
      // The declaration typed the function by the collection's own columns.
      return rule(actor, columns.table as never) ?? false
  }
}

/** Names the caller by their id. */
export function callerTerms({ userId }: RuleActor): CallerTerms {
  return userId === null ? null : { one: userId, list: [userId] }
}

/** The rules that allow others than the owner. */
const WIDER_RULES: ReadonlySet<unknown> = new Set(['collaborator', 'team', 'published', 'shared'])

/**
 * Writes the condition that an update keeps the record's owner, or is made by the owner: someone with whom a record is
 * shared may not take it over. Rules about the owner alone imply it, and functions and `true` decide for themselves.
 *
 * @param next the value that the update would give the owner's column.
 */
export function keepsOwner(
  columns: AccessColumns,
  rule: Rule | undefined,
  actor: RuleActor,
  next: SQL,
): Condition {
  if (!WIDER_RULES.has(rule)) return true
  return anyOf(sql`${columns.owner} is not distinct from ${next}`, owned(columns, callerTerms(actor)))
}

/**
 * Writes the condition for the records that an actor may create under a rule. The owner of a new record is the actor or
 * no one; otherwise a caller could create records in the name of others. Functions and `true` decide for themselves.
 */
export function compileCreation(columns: AccessColumns, rule: Rule | undefined, actor: RuleActor): Condition {
  const allowed = compileRule(columns, rule, actor)
  if (!WIDER_RULES.has(rule)) return allowed
  return allOf(allowed, anyOf(unclaimed(columns), owned(columns, callerTerms(actor))))
}

function owned({ owner }: AccessColumns, caller: CallerTerms): Condition {
  return caller === null ? false : sql`${owner} = ${sql.param(caller.one, owner)}`
}

function unclaimed({ owner }: AccessColumns): SQL {
  return sql`(${owner} is null or ${owner} = '')`
}

function listed({ collaborators }: AccessColumns, caller: CallerTerms): Condition {
  // Contains, not `= any`: only the former can use a GIN index.
  return caller === null || !collaborators
    ? false
    : sql`${collaborators} @> ${sql.param(caller.list, collaborators)}`
}

function ofTeam({ team }: AccessColumns, caller: CallerTerms): Condition {
  if (caller === null || !team) return false
  const { table, teamId, userId: member, status } = team.members
  // An array that is computed once, so that the team's column can use its index.
  return sql`${team.column} = any(array(select ${teamId} from ${table} where ${member} = ${sql.param(caller.one, member)} and ${status} = ${ACTIVE}))`
}

function visible({ visibility }: AccessColumns): Condition {
  return visibility ? sql`${visibility.column} = ${sql.param(visibility.value, visibility.column)}` : false
}

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
