import { getTableColumns, getTableName, type SQL, sql } from 'drizzle-orm'
import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core'
import { createInsertSchema, createSelectSchema, createUpdateSchema } from 'drizzle-zod'
import { z } from 'zod'
import {
  type AnyCollection,
  collectionDefinition,
  columnName,
  isCollection,
  SYSTEM_FIELDS,
} from '../../drizzle/collection.ts'

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
  readonly insertSchema: z.ZodObject
  readonly patchSchema: z.ZodObject
  /** The schema of one field's value, for `where`. */
  readonly valueSchemas: ReadonlyMap<string, z.ZodType>
  readonly uniques: readonly UniqueConstraint[]
}

interface UniqueConstraint {
  readonly name: string
  readonly fields: readonly string[]
}

export type Catalog = ReadonlyMap<string, CatalogEntry>

/** Columns that the engine's own verbs rely on, by collection. */
const USERS_FIELDS = ['name', 'email', 'imageUrl', 'role'] as const

/**
 * Collects the collections among the exports of `drizzle/collections.ts`.
 *
 * @throws {Error} when two have the same name, or `users` is missing or lacks a column the engine writes.
 */
export function createCatalog(exports: Readonly<Record<string, unknown>>): Catalog {
  const catalog = new Map<string, CatalogEntry>()
  for (const value of Object.values(exports)) {
    if (!isCollection(value)) continue
    const entry = describe(value)
    if (catalog.has(entry.name))
      throw new Error(`Two collections are named "${entry.name}"; names must be unique`)
    catalog.set(entry.name, entry)
  }
  const users = catalog.get('users')
  const missing = USERS_FIELDS.filter((field) => !users?.columns.has(field))
  if (missing.length > 0) {
    throw new Error(
      `drizzle/collections.ts must export a collection "users" with the text fields ${missing.join(', ')}`,
    )
  }
  return catalog
}

/** The fields behind a constraint's name, for error messages. */
export function constraintFields(catalog: Catalog, constraint: string) {
  for (const entry of catalog.values()) {
    const unique = entry.uniques.find(({ name }) => name === constraint)
    if (unique) return { collection: entry.name, fields: unique.fields }
    const foreign = getTableConfig(entry.table).foreignKeys.find((key) => key.getName() === constraint)
    if (foreign) {
      return {
        collection: entry.name,
        fields: foreign.reference().columns.map((column) => fieldOf(entry.columns, column)),
      }
    }
  }
  return undefined
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
    columns,
    fields,
    managed: new Set(collectionDefinition(table)?.systemManaged ?? []),
    required: fields.filter((field) => {
      const column = columns.get(field)
      return column?.notNull === true && !column.hasDefault
    }),
    selectList: sql.join(
      [...columns.values()].map((column) => sql`${column}`),
      sql`, `,
    ),
    insertSchema: z.strictObject(own<z.ZodType>(createInsertSchema(table).shape)),
    patchSchema: z.strictObject(own<z.ZodType>(createUpdateSchema(table).shape)),
    valueSchemas: new Map(Object.entries(selectShape).map(([field, schema]) => [field, withoutNull(schema)])),
    uniques: uniqueConstraints(name, table, columns),
  }
}

/** drizzle-zod wraps a nullable column in `nullable`; `where` treats null apart. */
function withoutNull(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodNullable ? (schema.unwrap() as z.ZodType) : schema
}

function uniqueConstraints(
  name: string,
  table: AnyCollection,
  columns: ReadonlyMap<string, PgColumn>,
): UniqueConstraint[] {
  const config = getTableConfig(table)
  const named = config.uniqueConstraints.map((unique) => ({
    name: unique.getName() ?? '',
    fields: unique.columns.map((column) => fieldOf(columns, column)),
  }))
  const indexes = config.indexes
    .filter((index) => index.config.unique)
    .map((index) => ({
      name: index.config.name ?? '',
      fields: index.config.columns.flatMap((column) =>
        'name' in column && column.name ? [column.name] : [],
      ),
    }))
  const single = [...columns]
    .filter(([, column]) => column.isUnique)
    .map(([field, column]) => ({
      name: column.uniqueName ?? `${name}_${columnName(column)}_unique`,
      fields: [field],
    }))
  return [{ name: `${name}_pkey`, fields: ['recordId'] }, ...named, ...indexes, ...single]
}

function fieldOf(columns: ReadonlyMap<string, PgColumn>, column: PgColumn): string {
  for (const [field, candidate] of columns)
    if (candidate === column || candidate.name === column.name) return field
  return column.name
}
