import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core'
import type { AnyCollection } from '../../drizzle/engine/collection.ts'

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
