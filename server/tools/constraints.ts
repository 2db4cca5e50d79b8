import { getTableName, is, SQL } from 'drizzle-orm'
import { type ForeignKey, getTableConfig, type Index, PgColumn } from 'drizzle-orm/pg-core'
import type { AnyCollection } from '../../drizzle/engine/collection.ts'
import { columnName } from '../../drizzle/engine/column-types/column-name.ts'

/** A constraint or an index that the collection declares. */
export interface Constraint {
  /** Its name in Postgres. */
  readonly name: string
  /** The fields that it is about, those of its expressions included. */
  readonly fields: readonly string[]
  /** Whether two records with the same values in these fields always break it. */
  readonly isUnique: boolean
}

type Columns = ReadonlyMap<string, PgColumn>

/** Collects a table's declared constraints. One that a migration adds by hand is known to the database alone. */
export function constraintsOf(table: AnyCollection, columns: Columns): readonly Constraint[] {
  const name = getTableName(table)
  const config = getTableConfig(table)
  const fieldsOf = (found: readonly PgColumn[]) => [
    ...new Set(found.map((column) => fieldOf(columns, column))),
  ]
  const made = (named: string, found: readonly PgColumn[], isUnique: boolean): Constraint => ({
    name: inPostgres(named),
    fields: fieldsOf(found),
    isUnique,
  })
  return [
    { name: inPostgres(`${name}_pkey`), fields: ['recordId'], isUnique: true },
    ...config.uniqueConstraints.map((unique) => made(unique.getName() ?? '', unique.columns, true)),
    ...config.indexes.map((index) => {
      const { unique, where } = index.config
      const isExact = where === undefined && index.config.columns.every((part) => !is(part, SQL))
      return made(indexName(name, index, columns), indexedColumns(index, columns), unique && isExact)
    }),
    ...[...columns.values()]
      .filter((column) => column.isUnique)
      .map((column) => made(column.uniqueName ?? `${name}_${columnName(column)}_unique`, [column], true)),
    ...config.foreignKeys.map((key) => made(foreignKeyName(name, key), key.reference().columns, false)),
    ...config.checks.map((check) => made(check.name, columnsIn(check.value), false)),
  ]
}

function indexName(table: string, index: Index, columns: Columns): string {
  return index.config.name ?? `${table}_${indexedColumns(index, columns).map(columnName).join('_')}_index`
}

/** An index knows its columns by what they are called; its expressions say which they use. */
function indexedColumns(index: Index, columns: Columns): PgColumn[] {
  return index.config.columns.flatMap((part) =>
    is(part, SQL)
      ? columnsIn(part)
      : [...columns.values()].filter((column) => 'name' in part && part.name === column.name),
  )
}

function columnsIn(expression: SQL): PgColumn[] {
  return expression.queryChunks.flatMap((chunk) =>
    is(chunk, PgColumn) ? [chunk] : is(chunk, SQL) ? columnsIn(chunk) : [],
  )
}

/** The name that migrations give a foreign key; Drizzle's own does not know of snake_case. */
function foreignKeyName(table: string, key: ForeignKey): string {
  const { name, columns, foreignTable, foreignColumns } = key.reference()
  const chunks = [
    table,
    ...columns.map(columnName),
    getTableName(foreignTable),
    ...foreignColumns.map(columnName),
  ]
  return name ?? `${chunks.join('_')}_fk`
}

const MAX_NAME_BYTES = 63

/** Postgres keeps 63 bytes of a name, and no half characters. */
function inPostgres(name: string): string {
  const bytes = Buffer.from(name)
  if (bytes.length <= MAX_NAME_BYTES) return name
  return bytes
    .subarray(0, MAX_NAME_BYTES)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')
}

function fieldOf(columns: Columns, column: PgColumn): string {
  for (const [field, candidate] of columns)
    if (candidate === column || candidate.name === column.name) return field
  return column.name
}

/** The collection that a field refers to, by field: where one column alone is the foreign key of records' ids. */
export function referencesOf(table: AnyCollection, columns: Columns): ReadonlyMap<string, string> {
  const keys = getTableConfig(table).foreignKeys.map((key) => key.reference())
  return new Map(
    keys.flatMap(({ columns: from, foreignTable, foreignColumns }): [string, string][] => {
      const [column, target] = [from[0], foreignColumns[0]]
      if (from.length !== 1 || !column || !target || columnName(target) !== 'record_id') return []
      return [[fieldOf(columns, column), getTableName(foreignTable)]]
    }),
  )
}

/** The fields that a collection's declared indexes can search. */
export interface IndexedFields {
  /** Fields that an index begins with: it can find a value, and the values above or below one. */
  readonly ordered: ReadonlySet<string>
  /** Array fields whose elements an index can find. */
  readonly elements: ReadonlySet<string>
}

/** Works out which fields have an index of their own. One over a part of the records, or an expression, does not count. */
export function indexedFields(table: AnyCollection, columns: ReadonlyMap<string, PgColumn>): IndexedFields {
  const { indexes, primaryKeys, uniqueConstraints } = getTableConfig(table)
  const ordered = new Set<string>()
  const elements = new Set<string>()
  const fieldOf = (name: string | undefined) => {
    for (const [field, column] of columns) if (column.name === name) return field
    return undefined
  }
  const add = (set: Set<string>, name: string | undefined) => {
    const field = fieldOf(name)
    if (field !== undefined) set.add(field)
  }
  for (const [field, column] of columns) if (column.primary || column.isUnique) ordered.add(field)
  for (const key of [...primaryKeys, ...uniqueConstraints]) add(ordered, key.columns[0]?.name)
  for (const { config } of indexes) {
    const [first] = config.columns
    if (config.where !== undefined || !first || !('name' in first)) continue
    if (config.method === 'gin') add(elements, first.name)
    else if (config.method === undefined || config.method === 'btree') add(ordered, first.name)
  }
  return { ordered, elements }
}
