import { getTableColumns, getTableName, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import {
  type AnyCollection,
  collectionDefinition,
  isCollection,
  SYSTEM_FIELDS,
} from '../../drizzle/engine/collection.ts'
import { columnName } from '../../drizzle/engine/column-types/column-name.ts'
import { type ColumnType, UNREADABLE } from '../../drizzle/engine/column-types/column-type.ts'
import {
  columnReader,
  describeColumn,
  isWrittenByDatabase,
} from '../../drizzle/engine/column-types/describe-column.ts'
import type { FieldSize } from '../../drizzle/engine/field-sizes.ts'
import * as system from '../../drizzle/engine/system.ts'
import { DefinitionError } from '../core/errors.ts'
import type { RecordEnvelope } from '../core/record.ts'
import { toStatement } from '../db/statement.ts'
import { type Constraint, constraintsOf, type IndexedFields, indexedFields } from './constraints.ts'

/**
 * Which constraints an insert's ON CONFLICT covers: all, unless the table has a deferrable one, for which Postgres
 * refuses the insert. Then it covers the record's id alone, and other constraints raise an error.
 */
class Arbiters {
  /** Whether the table has a deferrable constraint, as far as an error has told. */
  hasDeferrable = false
}

/** What the tools know about one collection, computed once at start. */
export interface CatalogEntry {
  readonly name: string
  readonly table: AnyCollection
  /** Every column by its field's name, with the system's. */
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
  /** The column type of each field, with the system's. */
  readonly types: ReadonlyMap<string, ColumnType>
  /** The schema of what each field can be compared with, in `where` and in cursors. */
  readonly valueSchemas: ReadonlyMap<string, z.ZodType>
  readonly constraints: readonly Constraint[]
  readonly arbiters: Arbiters
  /** How large a field's values may be; absent for types of a fixed size. */
  readonly sizes: ReadonlyMap<string, FieldSize>
  readonly indexed: IndexedFields
}

export type Catalog = ReadonlyMap<string, CatalogEntry>

/**
 * Names that no collection may have: those of the engine's tables. They are in a schema of their own, but a database role
 * of that name has the schema first on its search path, and the audit log names messages like records.
 */
const SYSTEM_TABLES: ReadonlySet<string> = new Set(Object.values(system).map((table) => getTableName(table)))

/** Columns that the engine's own verbs rely on, by collection. */
const USERS_FIELDS = ['name', 'email', 'imageUrl', 'role'] as const

/**
 * Collects the collections among the exports of `drizzle/collections.ts`.
 *
 * @throws {DefinitionError} when two have the same name, or `users` is missing or lacks a column the engine writes,
 * or leaves one to callers.
 */
export function createCatalog(exports: object): Catalog {
  const catalog = new Map<string, CatalogEntry>()
  const values: readonly unknown[] = Object.values(exports)
  for (const value of values) {
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
  // Otherwise a user who may write their own row could make themselves admin.
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
  const types = new Map([...columns].map(([field, column]) => [field, typeOf(name, field, column)]))
  return {
    name,
    table,
    managed: new Set(collectionDefinition(table)?.systemManaged ?? []),
    required: fields.filter((field) => {
      const column = columns.get(field)
      return column?.notNull === true && !column.hasDefault && !isWrittenByDatabase(column)
    }),
    ...readingOf(columns, fields),
    patchSchema: patchSchema(columns, fields, types),
    types,
    valueSchemas: new Map([...types].map(([field, type]) => [field, type.operand ?? type.schema])),
    constraints: constraintsOf(table, columns),
    arbiters: new Arbiters(),
    sizes: collectionDefinition(table)?.sizes ?? new Map(),
    indexed: indexedFields(table, columns),
  }
}

/** Builds the select list of these columns and the reader of its rows. */
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

/** `collection()` has refused every other column; a table may come from elsewhere. */
function typeOf(collection: string, field: string, column: PgColumn): ColumnType {
  const type = describeColumn(column)
  if (!('refused' in type)) return type
  throw new DefinitionError(`Field "${field}" of collection "${collection}" ${type.refused}`)
}

const WRITTEN_BY_DATABASE = z
  .never('is written by the database alone: it is computed or numbered there')
  .optional()

function patchSchema(
  columns: ReadonlyMap<string, PgColumn>,
  fields: readonly string[],
  types: ReadonlyMap<string, ColumnType>,
): z.ZodObject {
  const shape = fields.flatMap((field): [string, z.ZodType][] => {
    const [column, type] = [columns.get(field), types.get(field)]
    if (!column || !type) return []
    if (isWrittenByDatabase(column)) return [[field, WRITTEN_BY_DATABASE]]
    return [[field, (column.notNull ? type.schema : type.schema.nullable()).optional()]]
  })
  return z.strictObject(Object.fromEntries(shape))
}

/** Turns a row of a collection's select list into the record that tools return. */
export type ReadEnvelope = (row: readonly unknown[]) => RecordEnvelope

/** Builds the reader of a collection's rows. */
function envelopeReader(columns: ReadonlyMap<string, PgColumn>, fields: readonly string[]): ReadEnvelope {
  const readers = new Map([...columns].map(([field, column], at) => [field, readAt(column, at)]))
  const reader = (field: string): Read => readers.get(field) ?? (() => undefined)
  const own = fields.map((field) => ({ field, read: reader(field) }))
  const recordId = reader('recordId')
  const createdBy = reader('createdBy')
  const createdAt = reader('createdAt')
  const updatedAt = reader('updatedAt')
  const version = reader('version')
  return (row) => {
    const data: Record<string, unknown> = {}
    let unreadable: string[] | undefined
    const readOrNote = (field: string, read: Read) => {
      const value = read(row)
      if (value !== UNREADABLE) return value
      unreadable ??= []
      unreadable.push(field)
      return null
    }
    for (const { field, read } of own) data[field] = readOrNote(field, read)
    const envelope = {
      recordId: recordId(row) as string,
      data,
      createdBy: createdBy(row) as string | null,
      createdAt: readOrNote('createdAt', createdAt) as Date | null,
      updatedAt: readOrNote('updatedAt', updatedAt) as Date | null,
      version: version(row) as number,
    }
    return unreadable ? { ...envelope, unreadable } : envelope
  }
}

type Read = (row: readonly unknown[]) => unknown

function readAt(column: PgColumn, position: number): Read {
  const read = columnReader(column)
  return (row) => read(row[position])
}
