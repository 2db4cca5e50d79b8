import { getTableColumns, getTableName, is, type SQL, sql } from 'drizzle-orm'
import { type PgColumn, PgNumeric } from 'drizzle-orm/pg-core'
import { createSelectSchema, createUpdateSchema } from 'drizzle-zod'
import { z } from 'zod'
import {
  type AnyCollection,
  collectionDefinition,
  columnName,
  isCollection,
  SYSTEM_FIELDS,
} from '../../drizzle/collection.ts'
import type { FieldSize } from '../../drizzle/field-sizes.ts'
import * as system from '../../drizzle/system.ts'
import { toStatement } from '../db/to-statement.ts'
import { DefinitionError } from '../errors.ts'
import { Arbiters } from './arbiters.ts'
import { type Constraint, constraintsOf } from './constraints.ts'
import { envelopeReader, type ReadEnvelope } from './envelope.ts'
import { type IndexedFields, indexedFields } from './indexed-fields.ts'

/** What the tools need to know of one collection, worked out once at start. */
export interface CatalogEntry {
  readonly name: string
  readonly table: AnyCollection
  /** Every column by its field name, the system's included. */
  readonly columns: ReadonlyMap<string, PgColumn>
  /** The collection's own fields, in order. */
  readonly fields: readonly string[]
  readonly managed: ReadonlySet<string>
  /** Fields that an insert must be given. */
  readonly required: readonly string[]
  /** `record_id, created_by, …`: every column, qualified, in the order of `columns`. */
  readonly selectList: SQL
  /** Reads a row of `selectList`. */
  readonly toEnvelope: ReadEnvelope
  readonly patchSchema: z.ZodObject
  /** The schema of one field's value, for `where`. */
  readonly valueSchemas: ReadonlyMap<string, z.ZodType>
  readonly constraints: readonly Constraint[]
  readonly arbiters: Arbiters
  /** How large the values of a field may be; absent for types of a fixed size. */
  readonly sizes: ReadonlyMap<string, FieldSize>
  readonly indexed: IndexedFields
}

/** What Postgres is sure to hold in a `numeric` without a precision. */
const MAX_DIGITS = 1_000

const DECIMAL = z.string().regex(/^-?\d{1,1000}(?:\.\d{1,1000})?$/, 'must be a decimal such as "12.5"')

export type Catalog = ReadonlyMap<string, CatalogEntry>

/** No collection may have the name of a table of the engine's own. */
const SYSTEM_TABLES: ReadonlySet<string> = new Set(Object.values(system).map((table) => getTableName(table)))

/** Columns that the engine's own verbs rely on, by collection. */
const USERS_FIELDS = ['name', 'email', 'imageUrl', 'role'] as const

/**
 * Collects the collections among the exports of `drizzle/collections.ts`.
 *
 * @throws {DefinitionError} when two have the same name, or `users` is missing or lacks a column the engine writes,
 * or leaves one to callers.
 */
export function createCatalog(exports: Readonly<Record<string, unknown>>): Catalog {
  const catalog = new Map<string, CatalogEntry>()
  for (const value of Object.values(exports)) {
    if (!isCollection(value)) continue
    const entry = describe(value)
    if (SYSTEM_TABLES.has(entry.name))
      throw new DefinitionError(`A collection cannot be named "${entry.name}": that is a table of the engine`)
    if (catalog.has(entry.name))
      throw new DefinitionError(`Two collections are named "${entry.name}"; names must be unique`)
    catalog.set(entry.name, entry)
  }
  const users = catalog.get('users')
  const missing = USERS_FIELDS.filter((field) => !users?.columns.has(field))
  if (missing.length > 0) {
    throw new DefinitionError(
      `drizzle/collections.ts must export a collection "users" with the text fields ${missing.join(', ')}`,
    )
  }
  // Else everybody who may write their own row could make themselves admin.
  const open = USERS_FIELDS.filter((field) => !users?.managed.has(field))
  if (open.length > 0)
    throw new DefinitionError(`Collection "users": systemManaged must name ${open.join(', ')}`)
  return catalog
}

function describe(table: AnyCollection): CatalogEntry {
  const name = getTableName(table)
  const columns = new Map<string, PgColumn>(Object.entries(getTableColumns(table)))
  const system: readonly string[] = SYSTEM_FIELDS
  const fields = [...columns.keys()].filter((field) => !system.includes(field))
  const own = <T>(shape: Record<string, T>) =>
    Object.fromEntries(
      fields.flatMap((field) => (Object.hasOwn(shape, field) ? [[field, shape[field] as T]] : [])),
    )
  const selectShape: Record<string, z.ZodType> = createSelectSchema(table).shape
  return {
    name,
    table,
    managed: new Set(collectionDefinition(table)?.systemManaged ?? []),
    required: fields.filter((field) => {
      const column = columns.get(field)
      return column?.notNull === true && !column.hasDefault
    }),
    ...readingOf(columns, fields),
    patchSchema: z.strictObject({
      ...own<z.ZodType>(createUpdateSchema(table).shape),
      ...exactDecimals(columns),
    }),
    valueSchemas: new Map(
      Object.entries(selectShape).map(([field, schema]) => [
        field,
        is(columns.get(field), PgNumeric) ? DECIMAL : withoutNull(schema),
      ]),
    ),
    constraints: constraintsOf(table, columns),
    arbiters: new Arbiters(),
    sizes: collectionDefinition(table)?.sizes ?? new Map(),
    indexed: indexedFields(table, columns),
  }
}

/** How these columns are selected, and how their rows are read. */
export function readingOf(
  columns: ReadonlyMap<string, PgColumn>,
  fields: readonly string[],
): Pick<CatalogEntry, 'columns' | 'fields' | 'selectList' | 'toEnvelope'> {
  const qualified = [...columns.values()].map(
    (column) => sql`${sql.identifier(getTableName(column.table))}.${sql.identifier(columnName(column))}`,
  )
  const { sql: columnList } = toStatement(sql.join(qualified, sql`, `))
  return {
    columns,
    fields,
    // Its text is the same for ever, and is written here.
    selectList: sql.raw(columnList),
    toEnvelope: envelopeReader(columns, fields),
  }
}

/** Postgres would round a decimal to its column's scale, and drizzle-zod takes any text for one. */
function exactDecimals(columns: ReadonlyMap<string, PgColumn>): Record<string, z.ZodType> {
  const decimals = [...columns].flatMap(([field, column]) => {
    if (!is(column, PgNumeric)) return []
    const digits = column.precision ?? MAX_DIGITS
    const scale = column.scale ?? (column.precision === undefined ? MAX_DIGITS : 0)
    const whole = column.precision === undefined ? MAX_DIGITS : Math.max(1, digits - scale)
    const fraction = scale > 0 ? `(?:\\.\\d{1,${scale}})?` : ''
    const schema = z
      .string()
      .regex(
        new RegExp(`^-?\\d{1,${whole}}${fraction}$`),
        `must be a decimal of at most ${whole} digits before the point and ${Math.max(0, scale)} after it, such as "12"`,
      )
    return [[field, (column.notNull ? schema : schema.nullable()).optional()] as const]
  })
  return Object.fromEntries(decimals)
}

/** drizzle-zod wraps a nullable column in `nullable`; `where` treats null apart. */
function withoutNull(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodNullable ? (schema.unwrap() as z.ZodType) : schema
}
