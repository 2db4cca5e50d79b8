import { columnName } from '../../drizzle/engine/column-types/column-name.ts'
import type { SqlError, Statement } from '../db/database.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'

/** Finds the fields behind an error: those of its constraint, or the column that it names. */
export function constraintFields(catalog: Catalog, { constraint, table, column }: SqlError) {
  for (const entry of constraint === undefined ? [] : catalog.values()) {
    const found = entry.constraints.find(({ name }) => name === constraint)
    if (found && (table === undefined || table === entry.name))
      return { collection: entry.name, fields: found.fields }
  }
  const entry = table === undefined ? undefined : catalog.get(table)
  const field = entry && column !== undefined ? fieldNamed(entry, column) : undefined
  return entry && field !== undefined ? { collection: entry.name, fields: [field] } : undefined
}

/** Writes the statement that asks for a constraint's columns; NULL stands for an expression. */
export function selectConstraintColumns(table: string, constraint: string): Statement {
  return {
    sql: `
      select a.attname::text from pg_constraint c
        cross join unnest(c.conkey) with ordinality as k (attnum, position)
        left join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum and a.attnum > 0
      where c.conname::text = $1 and c.conrelid = to_regclass(quote_ident($2)) order by k.position`,
    params: [constraint, table],
  }
}

/** Reads the rows of `selectConstraintColumns`. */
export function readConstraintColumns(
  entry: CatalogEntry | undefined,
  rows: readonly (readonly unknown[])[],
): ReturnType<typeof constraintFields> {
  if (!entry) return undefined
  const fields = rows.flatMap(([name]) => {
    const field = typeof name === 'string' ? fieldNamed(entry, name) : undefined
    return field === undefined ? [] : [field]
  })
  return fields.length === 0 ? undefined : { collection: entry.name, fields }
}

function fieldNamed(entry: CatalogEntry, column: string): string | undefined {
  for (const [field, candidate] of entry.columns) if (columnName(candidate) === column) return field
  return undefined
}
