// Decides what callers may see and do. Pure: no I/O, no clock.
import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Rule, RuleActor } from '../../drizzle/engine/access.ts'
import type { AnyCollection } from '../../drizzle/engine/collection.ts'
import { allOf, anyOf, type Condition } from './condition.ts'

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

/** How a rule names whoever asks: by itself, and as a list of one. Null for somebody who is nobody. */
export type AskerTerms = { readonly one: unknown; readonly list: unknown } | null

const ACTIVE = 'active'

/**
 * Compiles a rule, as one actor meets it, into the one condition that whoever asks this rule uses: reads, lists
 * and counts alike. Its columns are qualified with the table's own name, so that it can be asked of a row that is shadowed
 * under that name as well.
 */
export function compileRule(
  columns: AccessColumns,
  rule: Rule | undefined,
  actor: RuleActor,
  asker: AskerTerms = termsOf(actor),
): Condition {
  switch (rule) {
    case undefined:
      return false
    case true:
    case false:
      return rule
    case 'own':
      return owned(columns, asker)
    case 'unclaimed-or-own':
      return anyOf(unclaimed(columns), owned(columns, asker))
    case 'collaborator':
      return anyOf(owned(columns, asker), listed(columns, asker))
    case 'team':
      return anyOf(owned(columns, asker), listed(columns, asker), ofTeam(columns, asker))
    case 'published':
      return anyOf(owned(columns, asker), visible(columns))
    case 'shared':
      return anyOf(owned(columns, asker), listed(columns, asker), visible(columns))
    default:
      // The collection's own columns, which its declaration has given the function its types by.
      return rule(actor, columns.table as never) ?? false
  }
}

/** Whoever asks, by their id. */
export function termsOf({ userId }: RuleActor): AskerTerms {
  return userId === null ? null : { one: userId, list: [userId] }
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
  return anyOf(sql`${columns.owner} is not distinct from ${next}`, owned(columns, termsOf(actor)))
}

/**
 * The records that an actor may make under a rule: the owner of a new one is the actor or nobody, or whoever shares
 * something could make others the owners of it. Functions and `true` decide for themselves.
 */
export function compileCreation(columns: AccessColumns, rule: Rule | undefined, actor: RuleActor): Condition {
  const allowed = compileRule(columns, rule, actor)
  if (!WIDER_RULES.has(rule)) return allowed
  return allOf(allowed, anyOf(unclaimed(columns), owned(columns, termsOf(actor))))
}

function owned({ owner }: AccessColumns, asker: AskerTerms): Condition {
  return asker === null ? false : sql`${owner} = ${sql.param(asker.one, owner)}`
}

function unclaimed({ owner }: AccessColumns): SQL {
  return sql`(${owner} is null or ${owner} = '')`
}

function listed({ collaborators }: AccessColumns, asker: AskerTerms): Condition {
  // Contains, not `= any`: only the former can use a GIN index.
  return asker === null || !collaborators
    ? false
    : sql`${collaborators} @> ${sql.param(asker.list, collaborators)}`
}

function ofTeam({ team }: AccessColumns, asker: AskerTerms): Condition {
  if (asker === null || !team) return false
  const { table, teamId, userId: member, status } = team.members
  // An array that is worked out once, so that the team's column can be looked up in its index.
  return sql`${team.column} = any(array(select ${teamId} from ${table} where ${member} = ${sql.param(asker.one, member)} and ${status} = ${ACTIVE}))`
}

function visible({ visibility }: AccessColumns): Condition {
  return visibility ? sql`${visibility.column} = ${sql.param(visibility.value, visibility.column)}` : false
}
