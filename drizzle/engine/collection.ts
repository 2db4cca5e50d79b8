import { type BuildColumns, type BuildExtraConfigColumns, getTableColumns } from 'drizzle-orm'
import {
  index,
  integer,
  type PgColumn,
  type PgTable,
  type PgTableExtraConfigValue,
  type PgTableWithColumns,
  pgTable,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { DefinitionError } from '../../server/core/errors.ts'
import {
  type Access,
  type AccessDefinition,
  defineAccess,
  type FieldBuilders,
  type FieldOf,
  type FieldsGiven,
  type IsHiding,
  type Visibility,
} from './access.ts'
import { checkColumns } from './column-types/check-columns.ts'
import { type ArrayField, type FieldSize, fieldSizes, type SizedField } from './field-sizes.ts'

const systemColumns = () => ({
  recordId: text('record_id').primaryKey(),
  createdBy: text('created_by'),
  createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull(),
  version: integer('version').notNull().default(1),
})

type SystemColumns = ReturnType<typeof systemColumns>
export type SystemField = keyof SystemColumns

/** The columns that every collection has and that no data can write. */
export const SYSTEM_FIELDS = [
  'recordId',
  'createdBy',
  'createdAt',
  'updatedAt',
  'version',
] as const satisfies readonly SystemField[]

export interface CollectionOptions<
  TName extends string,
  TFields extends FieldBuilders,
  TManaged extends keyof TFields & string,
  TAccess,
> {
  /** Unique constraints, indexes, checks and foreign keys, in Drizzle's own words. @default none */
  readonly constraints?: (
    table: BuildExtraConfigColumns<TName, SystemColumns & TFields, 'pg'>,
  ) => PgTableExtraConfigValue[]
  /** Fields that no data writes: in `users` the engine does (`register`, `registerUser`, `setRole`). @default none */
  readonly systemManaged?: readonly TManaged[]
  /** Fields whose values a dry run never shows, the owner included. @default none */
  readonly secretFields?: readonly (keyof TFields & string)[]
  /** What callers may do with the records by themselves, by role. @default nothing */
  readonly access?: TAccess
  /** Holds the id of the user whose record it is. @default createdBy */
  readonly ownerField?: FieldOf<TFields, string>
  /** Holds the ids of users who share it. */
  readonly collaboratorsField?: FieldOf<TFields, readonly string[]>
  /** Holds the id of the team whose record it is. */
  readonly teamField?: FieldOf<TFields, string>
  /** The collection of memberships, with the fields teamId, userId and status. @default 'team_members' */
  readonly teamMembers?: string
  /** Says whether a record is for everyone: a boolean field, or a field and the value that means so. */
  readonly visibilityField?: Visibility<TFields>
  /**
   * The most characters that a text field takes, each text of an array, or a JSON field as JSON text.
   * @default 10 000, 100 000 for JSON, and `n` for `varchar(n)`
   */
  readonly maxLength?: { readonly [K in SizedField<TFields>]?: number }
  /** The most elements that an array field takes. @default 1 000 */
  readonly maxElements?: { readonly [K in ArrayField<TFields>]?: number }
  /** Whether agents may read the records over `POST /mcp`, each as their caller and by `access`. @default false */
  readonly agent?: boolean
  /** For `users`: which claim of a verified token fills which field. @default CLAIMS of OpenID Connect */
  readonly claims?: Readonly<Partial<Record<NoInfer<TManaged>, string>>>
}

/** Names that tRPC's clients take for something else. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['then', 'call', 'apply', 'bind'])

const DEFINITION: unique symbol = Symbol('deputy.collection')

/** What a declaration tells the types of tools and clients. */
export interface CollectionDeclaration {
  readonly name: string
  readonly fields: FieldBuilders
  /** Fields that no data writes. */
  readonly managed: string
  /** Whether some role reads a part of the fields only. */
  readonly isHiding: boolean
  /** Fields that some role may give a new record. */
  readonly creatable: string
  /** Fields that some role may write of a record that there is. */
  readonly updatable: string
}

interface CollectionDefinition<TDeclaration = CollectionDeclaration> {
  readonly name: string
  readonly systemManaged: readonly string[]
  readonly secretFields: readonly string[]
  readonly access: AccessDefinition
  /** Field → claim, for `users`. */
  readonly claims: ReadonlyMap<string, string>
  /** Whether agents may read it. */
  readonly isForAgents: boolean
  /** How large values may be, by field. */
  readonly sizes: ReadonlyMap<string, FieldSize>
  /** Never set: it is there for the types. */
  readonly declaration?: TDeclaration
}

/** Which standard claim (OpenID Connect Core 1.0, section 5.1) fills which field of `users`, unless the app says so. */
const CLAIMS: Readonly<Record<string, string>> = { name: 'name', email: 'email', imageUrl: 'picture' }

/** A table that is a collection: Drizzle's own `PgTable`, with the definition beside it. */
export type Collection<TDeclaration extends CollectionDeclaration> = PgTableWithColumns<{
  name: TDeclaration['name']
  schema: undefined
  columns: BuildColumns<TDeclaration['name'], SystemColumns & TDeclaration['fields'], 'pg'>
  dialect: 'pg'
}> & { readonly [DEFINITION]: CollectionDefinition<TDeclaration> }

/** Any collection, where its fields do not matter. */
export type AnyCollection = PgTable & { readonly [DEFINITION]: CollectionDefinition }

/** What a collection was declared as; never for what is none. */
export type DeclarationOf<T> = T extends {
  readonly [DEFINITION]: CollectionDefinition<infer TDeclaration extends CollectionDeclaration>
}
  ? TDeclaration
  : never

/**
 * Declares a collection: a Drizzle table with the system columns that records need.
 * Fields without an explicit column name get the snake_case one.
 *
 * @throws {DefinitionError} at import, when a name is not usable or a field could not be stored exactly.
 */
export function collection<
  const TName extends string,
  TFields extends FieldBuilders,
  // Undefined, where nothing is said.
  const TAccess extends
    | Access<
        BuildColumns<TName, SystemColumns & TFields, 'pg'>,
        keyof TFields & string,
        Exclude<keyof TFields & string, TManaged>
      >
    | undefined,
  const TManaged extends keyof TFields & string = never,
>(
  name: TName,
  fields: TFields,
  options: CollectionOptions<TName, TFields, TManaged, TAccess> = {},
): Collection<{
  name: TName
  fields: TFields
  managed: TManaged
  isHiding: IsHiding<TAccess>
  creatable: FieldsGiven<TAccess, 'create', keyof TFields & string, TManaged>
  updatable: FieldsGiven<TAccess, 'update', keyof TFields & string, TManaged>
}> {
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(name) || name in Object.prototype || RESERVED_NAMES.has(name)) {
    throw new DefinitionError(
      `Collection name "${name}" must match /^[a-z][a-z0-9_]{0,47}$/, and not be a name that every object has, nor then, call, apply or bind`,
    )
  }
  for (const field of Object.keys(fields)) {
    if (!/^[a-z][A-Za-z0-9]{0,47}$/.test(field) || field in Object.prototype) {
      throw new DefinitionError(
        `Field "${field}" of collection "${name}" must match /^[a-z][A-Za-z0-9]{0,47}$/ and not be a name that every object has`,
      )
    }
    if ((SYSTEM_FIELDS as readonly string[]).includes(field)) {
      throw new DefinitionError(
        `Field "${field}" of collection "${name}" is a system field, which every collection has already`,
      )
    }
  }
  const table = pgTable(name, { ...systemColumns(), ...fields }, (columns) => [
    index(`${name}_created_at_idx`).on(columns.createdAt, columns.recordId),
    ...(options.constraints?.(columns) ?? []),
  ])
  const columns = new Map<string, PgColumn>(Object.entries(getTableColumns(table)))
  checkColumns(name, columns)
  const definition: CollectionDefinition<never> = {
    name,
    systemManaged: options.systemManaged ?? [],
    secretFields: secretFieldsOf(name, columns, options.secretFields),
    access: defineAccess(name, columns, options),
    claims: claimsOf(name, options),
    sizes: fieldSizes(name, columns, options),
    isForAgents: options.agent ?? false,
  }
  return Object.assign(table, { [DEFINITION]: definition } as const)
}

function secretFieldsOf(
  name: string,
  columns: ReadonlyMap<string, PgColumn>,
  fields: readonly string[] = [],
): readonly string[] {
  for (const field of fields) {
    if (!columns.has(field))
      throw new DefinitionError(`Collection "${name}": secretFields names "${field}", which is no field`)
  }
  return fields
}

/** Which claim fills which field. Roles are given by people, never by a token. */
function claimsOf(
  name: string,
  options: { readonly claims?: object; readonly systemManaged?: readonly string[] },
): ReadonlyMap<string, string> {
  const claims = new Map<string, string>(Object.entries(options.claims ?? CLAIMS))
  for (const field of options.claims ? claims.keys() : []) {
    if (field === 'role' || !options.systemManaged?.includes(field)) {
      throw new DefinitionError(
        `Collection "${name}": a claim may not fill "${field}"; it may fill a system-managed field, and not the role`,
      )
    }
  }
  return claims
}

/** The definition of a table that `collection()` made, or undefined for anything else. */
export function collectionDefinition(value: unknown): CollectionDefinition | undefined {
  return isCollection(value) ? value[DEFINITION] : undefined
}

/** Whether an export of `drizzle/collections.ts` is a collection (it may also export enums and relations). */
export function isCollection(value: unknown): value is AnyCollection {
  return typeof value === 'object' && value !== null && DEFINITION in value
}
