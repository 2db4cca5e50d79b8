import type { SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Operation, RoleAccess, RuleActor } from '../../drizzle/engine/access.ts'
import { collectionDefinition } from '../../drizzle/engine/collection.ts'
import { DefinitionError } from '../core/errors.ts'
import { type Assignment, castTo, systemColumns } from '../tools/assignments.ts'
import type { Catalog, CatalogEntry } from '../tools/catalog.ts'
import { quote } from '../tools/problems.ts'
import type { StatementTemplate } from '../tools/statement-cache.ts'
import { type VisibleRecords, withFields } from '../tools/visible-records.ts'
import {
  type AccessColumns,
  allOf,
  type CallerTerms,
  type Condition,
  callerTerms,
  compileCreation,
  compileRule,
  keepsOwner,
  type Memberships,
  toSql,
} from './compile-rule.ts'

/** The access rules of every collection, by name. */
export type Policies = ReadonlyMap<string, Policy>

/** A condition in addition to the rules: where it does not hold, nothing can be read. */
export interface Guard {
  /** The value that it compares with; a placeholder in a template, as the caller's id is. */
  readonly value: string | null
  /** Writes the condition, from the caller's id and the value, or from their placeholders. */
  holds(userId: unknown, value: unknown): SQL
}

/** How a statement names the caller and the guard's value: as values or as placeholders. */
export interface PermissionTerms {
  readonly caller: CallerTerms
  readonly guardValue: unknown
}

/** Stands for the roles that a collection does not name. */
const ANY_ROLE = '*'

/** A collection as one role sees it. */
interface RoleView {
  readonly access: RoleAccess
  /** The collection without the fields that the role may not read: for it they do not exist. */
  readonly readable: CatalogEntry
  /** The collection without the fields that the role may neither read nor write. */
  readonly known: CatalogEntry
  readonly writable: ReadonlySet<string>
  /** Whether the role may do an operation with any record, by operation, for callers with and without an id. */
  readonly allowed: Map<string, boolean>
  /** The statements of access queries. */
  readonly accessStatements: Map<string, StatementTemplate>
}

/** The access rules of one collection, computed once at start. */
export class Policy {
  readonly entry: CatalogEntry
  readonly #columns: AccessColumns
  readonly #views: ReadonlyMap<string, RoleView>
  readonly #unnamed: RoleView

  constructor(entry: CatalogEntry, columns: AccessColumns, roles: ReadonlyMap<string, RoleAccess>) {
    this.entry = entry
    this.#columns = columns
    this.#views = new Map([...roles].map(([role, access]) => [role, viewOf(entry, access)]))
    this.#unnamed = this.#views.get(ANY_ROLE) ?? viewOf(entry, {})
  }

  /** Returns what this actor may do; with a guard, what they may read where it holds. */
  for(actor: RuleActor, guard?: Guard): Permission {
    return new Permission(this.#columns, this.#viewOf(actor), actor, this.entry, guard)
  }

  #viewOf({ role }: RuleActor): RoleView {
    return this.#views.get(role) ?? this.#unnamed
  }

  /** The roles that the collection names. */
  get roles(): readonly string[] {
    return [...this.#views.keys()].filter((role) => role !== ANY_ROLE)
  }
}

/** What one actor may do with one collection. */
export class Permission {
  readonly actor: RuleActor
  /** All fields, for the engine's own use. */
  readonly entry: CatalogEntry
  readonly view: RoleView
  readonly guard: Guard | undefined
  readonly #columns: AccessColumns

  constructor(
    columns: AccessColumns,
    roleView: RoleView,
    actor: RuleActor,
    entry: CatalogEntry,
    guard?: Guard,
  ) {
    this.#columns = columns
    this.guard = guard
    this.view = roleView
    this.actor = actor
    this.entry = entry
  }

  /** Returns the condition for the records that the actor may do this with. A guard is a part of what they may read. */
  condition(operation: Operation, terms: PermissionTerms = this.terms): Condition {
    const rule = compileRule(this.#columns, this.view.access[operation], this.actor, terms.caller)
    if (operation !== 'read' || !this.guard) return rule
    return allOf(rule, this.guard.holds(terms.caller?.one, terms.guardValue))
  }

  /** Names the actor's id and the guard's value, for a statement that is not cached. */
  get terms(): PermissionTerms {
    return { caller: callerTerms(this.actor), guardValue: this.guard?.value }
  }

  /** The condition for the records that the actor may create. */
  get creation(): Condition {
    return compileCreation(this.#columns, this.view.access.create, this.actor)
  }

  /** The owner's column, where the rule checks a new record's owner: then no default may set it later. */
  get ownerOfCreation(): PgColumn | undefined {
    return typeof this.view.access.create === 'string' ? this.#columns.owner : undefined
  }

  /**
   * Returns the same permission, which reads by what the rule says now: for whoever has to know that what was read is what
   * they asked for. A function may decide differently the next time.
   */
  withFixedRead(): Permission {
    if (typeof this.view.access.read !== 'function') return this
    const read = compileRule(this.#columns, this.view.access.read, this.actor)
    const view = { ...this.view, access: { ...this.view.access, read: () => read } }
    return new Permission(this.#columns, view, this.actor, this.entry, this.guard)
  }

  /** Whether there can be a record that the actor may do this with. */
  allowsSome(operation: Operation): boolean {
    const { access, allowed } = this.view
    // A function may decide differently for each caller.
    if (typeof access[operation] === 'function') return this.condition(operation) !== false
    const key = this.actor.userId === null ? operation : `${operation} as user`
    let allows = allowed.get(key)
    if (allows === undefined) {
      allows = this.condition(operation) !== false
      allowed.set(key, allows)
    }
    return allows
  }

  /** Returns the condition that an update keeps the record's owner, where it has to. */
  keepsOwner(written: readonly Assignment[]): Condition {
    const { owner } = this.#columns
    const next = written.find(({ column }) => column === owner)
    return next
      ? keepsOwner(this.#columns, this.view.access.update, this.actor, castTo(owner, next.value))
      : true
  }

  /** The records and fields that the actor may read. */
  get visible(): VisibleRecords {
    const { userId } = this.actor
    return {
      entry: this.view.readable,
      within: toSql(this.condition('read')),
      seesAll: this.seesAll,
      reader: userId === null ? 'anonymous' : `user:${userId}`,
    }
  }

  /** Whether the actor reads every field of every record, so that no message can reveal more. */
  get seesAll(): boolean {
    return this.readsAll && this.view.readable.columns.size === this.entry.columns.size
  }

  /** Whether the actor reads every record. */
  get readsAll(): boolean {
    return this.condition('read') === true
  }
}

/**
 * Computes the access rules of all collections.
 *
 * @throws {DefinitionError} when a rule needs a collection of memberships that does not exist, or can never be met.
 */
export function createPolicies(catalog: Catalog): Policies {
  return new Map(
    [...catalog.values()].map((entry) => {
      const access = collectionDefinition(entry.table)?.access
      if (!access) throw new Error(`Collection ${quote(entry.name)} has no definition`)
      const column = (field: string | undefined) =>
        field === undefined ? undefined : entry.columns.get(field)
      const team = column(access.teamField)
      const visibility = column(access.visibility?.field)
      const columns: AccessColumns = {
        table: entry.table,
        owner: column(access.ownerField) ?? ownerBySystem(entry),
        collaborators: column(access.collaboratorsField),
        team: team && { column: team, members: memberships(catalog, entry, access.teamMembers) },
        visibility: visibility && { column: visibility, value: access.visibility?.value },
      }
      for (const [role, rules] of access.roles) checkCreatable(entry, role, rules)
      return [entry.name, new Policy(entry, columns, access.roles)]
    }),
  )
}

/** Finds the owner's column by default. A user's row belongs to the user, not to who registered them. */
function ownerBySystem(entry: CatalogEntry): PgColumn {
  const { createdBy, recordId } = systemColumns(entry)
  return entry.name === 'users' ? recordId : createdBy
}

function memberships(catalog: Catalog, { name }: CatalogEntry, members: string): Memberships {
  const entry = catalog.get(members)
  const column = (field: string): PgColumn => {
    const found = entry?.columns.get(field)
    if (found && /^(?:text|varchar)/.test(found.getSQLType())) return found
    throw new DefinitionError(
      `Collection "${name}" has a teamField, so there must be a collection "${members}" with the text fields teamId, userId and status`,
    )
  }
  const [teamId, userId, status] = [column('teamId'), column('userId'), column('status')]
  if (!entry) throw new Error('A column was found in no collection')
  return { table: entry.table, teamId, userId, status }
}

/** Refuses a role that may create, but may not write a field that every record needs. */
function checkCreatable(entry: CatalogEntry, role: string, access: RoleAccess): void {
  if (access.create === undefined || access.create === false) return
  const writable = writableFields(entry, access)
  const missing = entry.required.filter((field) => !writable.has(field))
  if (missing.length > 0) {
    throw new DefinitionError(
      `Collection "${entry.name}": role "${role}" may create, but not write ${missing.join(', ')}, which every record needs`,
    )
  }
}

/** Lists the fields that a role may write. The default is what it may read: a hidden field is not writable. */
function writableFields(entry: CatalogEntry, access: RoleAccess): ReadonlySet<string> {
  const fields = access.writableFields ?? access.readableFields ?? entry.fields
  return new Set(fields.filter((field) => !entry.managed.has(field)))
}

function viewOf(entry: CatalogEntry, access: RoleAccess): RoleView {
  const writable = writableFields(entry, access)
  const readable = new Set(access.readableFields ?? entry.fields)
  return {
    access,
    readable: withFields(entry, (field) => readable.has(field)),
    known: withFields(entry, (field) => readable.has(field) || writable.has(field)),
    writable,
    allowed: new Map(),
    accessStatements: new Map(),
  }
}
