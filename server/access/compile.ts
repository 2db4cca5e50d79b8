// Decides what callers may see and do. Pure: no I/O, no clock.
import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Rule, RuleActor } from '../../drizzle/access.ts'
import type { AnyCollection } from '../../drizzle/collection.ts'
import { anyOf, type Condition } from './condition.ts'

/** The columns that the named rules of a collection look at. */
export interface AccessColumns {
  readonly table: AnyCollection
  /** The ownerField's column, else `created_by`; `record_id` for `users`, whose rows belong to whom they are about. */
  readonly owner: PgColumn
  readonly collaborators: PgColumn | undefined
  readonly team: { readonly column: PgColumn; readonly members: Memberships } | undefined
  readonly visibility: { readonly column: PgColumn; readonly value: unknown } | undefined
}

/** Who belongs to which team: a collection like any other. */
export interface Memberships {
  readonly table: AnyCollection
  readonly teamId: PgColumn
  readonly userId: PgColumn
  readonly status: PgColumn
}

const ACTIVE = 'active'

/**
 * Compiles a rule, as one actor meets it, into the one condition that whoever asks this rule uses: reads, lists
 * and counts alike. Its columns are qualified with the table's own name, so that it can be asked of a row that is shadowed
 * under that name as well.
 */
export function compileRule(columns: AccessColumns, rule: Rule | undefined, actor: RuleActor): Condition {
  switch (rule) {
    case undefined:
      return false
    case true:
    case false:
      return rule
    case 'own':
      return owned(columns, actor)
    case 'unclaimed-or-own':
      return anyOf(unclaimed(columns), owned(columns, actor))
    case 'collaborator':
      return anyOf(owned(columns, actor), listed(columns, actor))
    case 'team':
      return anyOf(owned(columns, actor), listed(columns, actor), ofTeam(columns, actor))
    case 'published':
      return anyOf(owned(columns, actor), visible(columns))
    case 'shared':
      return anyOf(owned(columns, actor), listed(columns, actor), visible(columns))
    default:
      // The collection's own columns, which its declaration has given the function its types by.
      return rule(actor, columns.table as never) ?? false
  }
}

/** Rules that let in others than the owner. */
const WIDER_RULES: ReadonlySet<unknown> = new Set(['collaborator', 'team', 'published', 'shared'])

/**
 * Whether an update leaves the record with its owner, or is the owner's own: whoever shares a record may not take
 * it over. Rules that speak of the owner alone say so themselves, and functions and `true` decide for themselves.
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
  return anyOf(sql`${columns.owner} is not distinct from ${next}`, owned(columns, actor))
}

function owned({ owner }: AccessColumns, { userId }: RuleActor): Condition {
  return userId === null ? false : sql`${owner} = ${sql.param(userId, owner)}`
}

function unclaimed({ owner }: AccessColumns): SQL {
  return sql`(${owner} is null or ${owner} = '')`
}

function listed({ collaborators }: AccessColumns, { userId }: RuleActor): Condition {
  // Contains, not `= any`: only the former can use a GIN index.
  return userId === null || !collaborators
    ? false
    : sql`${collaborators} @> ${sql.param([userId], collaborators)}`
}

function ofTeam({ team }: AccessColumns, { userId }: RuleActor): Condition {
  if (userId === null || !team) return false
  const { table, teamId, userId: member, status } = team.members
  // An array that is worked out once, so that the team's column can be looked up in its index.
  return sql`${team.column} = any(array(select ${teamId} from ${table} where ${member} = ${sql.param(userId, member)} and ${status} = ${ACTIVE}))`
}

function visible({ visibility }: AccessColumns): Condition {
  return visibility ? sql`${visibility.column} = ${sql.param(visibility.value, visibility.column)}` : false
}
