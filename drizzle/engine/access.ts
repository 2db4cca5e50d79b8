import type { SQL } from 'drizzle-orm'
import type { PgColumn, PgColumnBuilderBase } from 'drizzle-orm/pg-core'
import { DefinitionError } from '../../server/core/errors.ts'

/** What the access rules of a collection are about. */
const OPERATIONS = ['read', 'create', 'update', 'remove'] as const
export type Operation = (typeof OPERATIONS)[number]

/** Rules by name; what each asks of a record is said in `server/records/compile-rule.ts`. */
const NAMED_RULES = ['own', 'unclaimed-or-own', 'collaborator', 'team', 'published', 'shared'] as const
export type NamedRule = (typeof NAMED_RULES)[number]

/** Who a rule is asked about. */
export interface RuleActor {
  /** null for an anonymous caller. */
  readonly userId: string | null
  /** `viewer` for an anonymous caller, `admin` for the owner. */
  readonly role: string
  readonly isOwner: boolean
}

/** Returns the condition that a record must meet, in Drizzle's words. No condition (undefined) denies. */
export type RuleFunction<TRecord> = (actor: RuleActor, record: TRecord) => SQL | boolean | undefined

export type Rule<TRecord = never> = boolean | NamedRule | RuleFunction<TRecord>

/** What one role may do with a collection. An operation without a rule is denied. */
export interface RoleAccess<TRecord = never, TReadable = string, TWritable = string> {
  readonly read?: Rule<TRecord>
  readonly create?: Rule<TRecord>
  /** Asked of the record as it is, and of the record as the write would leave it. */
  readonly update?: Rule<TRecord>
  readonly remove?: Rule<TRecord>
  /** Other fields are absent from what this role reads, and unknown in its `where` and `orderBy`. @default all */
  readonly readableFields?: readonly TReadable[]
  /** The fields that this role may give when it creates or updates. @default what it reads, but for the system-managed */
  readonly writableFields?: readonly TWritable[]
}

/** Role → what it may do. `'*'` stands for every role that is not named, that of anonymous callers included. */
export type Access<TRecord, TReadable, TWritable> = Readonly<
  Record<string, RoleAccess<TRecord, TReadable, TWritable>>
>

/** Whether some role reads a part of the fields only. */
export type IsHiding<TAccess> = true extends HidesFrom<RolesOf<TAccess>> ? true : false

/** What is said of each role; never where nothing is said. */
type RolesOf<TAccess> = [undefined] extends [TAccess] ? never : TAccess[keyof TAccess]

type HidesFrom<TRole> = TRole extends unknown ? ('readableFields' extends keyof TRole ? true : false) : never

/** The fields that some role may give in an operation, as far as the declaration says so. */
export type FieldsGiven<
  TAccess,
  TOperation extends 'create' | 'update',
  TField extends string,
  TManaged extends string,
> = Exclude<FieldsOfRole<RolesOf<TAccess>, TOperation, TField>, TManaged>

/** Of one role after the other. A rule of `false` denies, as one that is not there does. */
type FieldsOfRole<TRole, TOperation extends string, TField extends string> = TRole extends {
  readonly [K in TOperation]: infer TRule
}
  ? [TRule] extends [false | undefined]
    ? never
    : TRole extends { readonly writableFields: readonly (infer TWritable)[] }
      ? TWritable & TField
      : 'writableFields' extends keyof TRole
        ? TField
        : TRole extends { readonly readableFields: readonly (infer TReadable)[] }
          ? TReadable & TField
          : TField
  : TOperation extends keyof TRole
    ? TField
    : never

export type FieldBuilders = Record<string, PgColumnBuilderBase>

/** The names of the fields whose values are of one type. */
export type FieldOf<TFields extends FieldBuilders, TValue> = {
  [K in keyof TFields & string]: [TFields[K]['_']['data']] extends [TValue] ? K : never
}[keyof TFields & string]

/** A boolean field, or a field and the value that makes a record visible. */
export type Visibility<TFields extends FieldBuilders> =
  | FieldOf<TFields, boolean>
  | {
      [K in keyof TFields & string]: { readonly field: K; readonly value: TFields[K]['_']['data'] }
    }[keyof TFields & string]

/** The access side of a collection's declaration, after its types have done their work. */
export interface AccessDefinition {
  readonly roles: ReadonlyMap<string, RoleAccess>
  readonly ownerField: string | undefined
  readonly collaboratorsField: string | undefined
  readonly teamField: string | undefined
  /** The name of the collection that says who belongs to which team. */
  readonly teamMembers: string
  readonly visibility: { readonly field: string; readonly value: unknown } | undefined
}

export interface AccessOptions {
  readonly access?: Access<never, string, string> | undefined
  readonly ownerField?: string | undefined
  readonly collaboratorsField?: string | undefined
  readonly teamField?: string | undefined
  readonly teamMembers?: string | undefined
  readonly visibilityField?: string | { readonly field: string; readonly value: unknown } | undefined
}

const ROLE = /^(?:\*|[a-z][a-z0-9_-]{0,63})$/
const ROLE_KEYS: readonly string[] = [...OPERATIONS, 'readableFields', 'writableFields']
const TEXT_TYPE = /^(?:text|varchar)/

/**
 * Reads the access side of a collection's options.
 *
 * @throws {DefinitionError} at import, when a rule could never mean what it says.
 */
export function defineAccess(
  name: string,
  columns: ReadonlyMap<string, PgColumn>,
  options: AccessOptions,
): AccessDefinition {
  const { visibilityField } = options
  const definition: AccessDefinition = {
    roles: new Map(Object.entries(options.access ?? {})),
    ownerField: options.ownerField,
    collaboratorsField: options.collaboratorsField,
    teamField: options.teamField,
    teamMembers: options.teamMembers ?? 'team_members',
    visibility:
      typeof visibilityField === 'string' ? { field: visibilityField, value: true } : visibilityField,
  }
  const wrong = (problem: string) => new DefinitionError(`Collection "${name}": ${problem}`)
  const mustBe = (option: string, field: string | undefined, type: RegExp, what: string) => {
    if (field === undefined) return
    const column = columns.get(field)
    if (!column) throw wrong(`${option} names "${field}", which is no field`)
    if (!type.test(column.getSQLType())) throw wrong(`${option} must be a field of type ${what}`)
  }
  mustBe('ownerField', definition.ownerField, TEXT_TYPE, 'text')
  mustBe('teamField', definition.teamField, TEXT_TYPE, 'text')
  mustBe('collaboratorsField', definition.collaboratorsField, /^(?:text|varchar.*)\[\]$/, 'text().array()')
  const isFlag = typeof visibilityField === 'string'
  mustBe('visibilityField', definition.visibility?.field, isFlag ? /^boolean$/ : /./, 'boolean')

  for (const [role, access] of definition.roles) {
    if (!ROLE.test(role)) throw wrong(`"${role}" is no role; a role matches ${ROLE}`)
    for (const key of Object.keys(access)) {
      if (!ROLE_KEYS.includes(key))
        throw wrong(`access of role "${role}" has "${key}"; it takes ${ROLE_KEYS.join(', ')}`)
    }
    for (const field of [...(access.readableFields ?? []), ...(access.writableFields ?? [])]) {
      if (!columns.has(field)) throw wrong(`access of role "${role}" names "${field}", which is no field`)
    }
    for (const operation of OPERATIONS) {
      const problem = ruleProblem(definition, access[operation])
      if (problem !== undefined) throw wrong(`${operation} of role "${role}" ${problem}`)
    }
  }
  return definition
}

function ruleProblem(definition: AccessDefinition, rule: unknown): string | undefined {
  switch (rule as Rule | undefined) {
    case 'unclaimed-or-own':
      return definition.ownerField === undefined
        ? 'is "unclaimed-or-own", which needs an ownerField'
        : undefined
    case 'collaborator':
      return definition.collaboratorsField === undefined
        ? 'is "collaborator", which needs a collaboratorsField'
        : undefined
    case 'team':
      return definition.teamField === undefined ? 'is "team", which needs a teamField' : undefined
    case 'published':
      return definition.visibility === undefined ? 'is "published", which needs a visibilityField' : undefined
    case 'shared':
      return definition.visibility === undefined || definition.collaboratorsField === undefined
        ? 'is "shared", which needs a collaboratorsField and a visibilityField'
        : undefined
    case undefined:
    case true:
    case false:
    case 'own':
      return undefined
    default:
      return typeof rule === 'function'
        ? undefined
        : `is no rule; rules are true, false, ${NAMED_RULES.join(', ')} and functions`
  }
}
