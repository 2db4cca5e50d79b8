import { is, type SQL, SQL as SqlChunk, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { type Assignment, bindTo, castTo, identifier } from '../tools/assignments.ts'
import type { CatalogEntry } from '../tools/catalog.ts'

/**
 * Builds a record as an update would leave it: a row under the table's own name, so that a rule reads it as if it were
 * stored. Columns that are not written come from the record in the query around it.
 */
export function updatedRow(entry: CatalogEntry, written: readonly Assignment[]): SQL {
  return shadow(entry, (column) => assigned(column, written) ?? sql`${column}`)
}

/** Builds a record as an insert would leave it. Values that only the database makes, such as a serial's, are NULL. */
export function insertedRow(entry: CatalogEntry, written: readonly Assignment[]): SQL {
  return shadow(entry, (column) => assigned(column, written) ?? castTo(column, defaultOf(column)))
}

function shadow(entry: CatalogEntry, build: (column: PgColumn) => SQL): SQL {
  const columns = [...entry.columns.values()]
  const stored = columns.filter((column) => column.generated === undefined)
  const computed = columns.filter((column) => column.generated !== undefined)
  const name = sql.identifier(entry.name)
  const row = sql`(select ${list(stored.map((column) => sql`${build(column)} as ${identifier(column)}`))}) as ${name}`
  if (computed.length === 0) return row
  // Computed columns are added under the same name, so that their expressions read the new row.
  const more = computed.map((column) => sql`${expressionOf(column)} as ${identifier(column)}`)
  return sql`(select ${name}.*, ${list(more)} from ${row}) as ${name}`
}

function assigned(column: PgColumn, written: readonly Assignment[]): SQL | undefined {
  const assignment = written.find((candidate) => candidate.column === column)
  return assignment && castTo(column, assignment.value)
}

function defaultOf(column: PgColumn): SQL {
  return column.default === undefined ? sql`null` : bindTo(column, column.default)
}

function expressionOf(column: PgColumn): SQL {
  const as = column.generated?.as
  const expression: unknown = typeof as === 'function' ? as() : as
  if (is(expression, SqlChunk)) return expression
  throw new Error(`The expression of the generated column "${column.name}" must be written with sql`)
}

function list(parts: readonly SQL[]): SQL {
  return sql.join([...parts], sql`, `)
}
