import { type SQL, sql } from 'drizzle-orm'
import { type Failure, fail } from '../result.ts'
import type { CatalogEntry } from './catalog.ts'
import {
  type Assignment,
  type Binding,
  bindTo,
  bound,
  castTo,
  identifier,
  insertions,
  systemColumns,
} from './data.ts'
import { quote } from './problems.ts'
import type { Reach } from './reach.ts'
import type { ReadScope, ToolScope } from './scope.ts'

/** The columns and values of a record that does not exist yet. */
export function rowToInsert(
  scope: ToolScope,
  entry: CatalogEntry,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
): Binding[] {
  const system = systemColumns(entry)
  return [
    { column: system.recordId, value: recordId },
    { column: system.createdBy, value: scope.userId },
    { column: system.createdAt, value: scope.now },
    { column: system.updatedAt, value: scope.now },
    ...insertions(entry, data),
  ]
}

/** The same, as a statement says it. */
export function newRow(
  scope: ToolScope,
  entry: CatalogEntry,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
): Assignment[] {
  return bound(rowToInsert(scope, entry, recordId, data))
}

export function names(list: readonly Assignment[]): SQL {
  return sql.join(
    list.map(({ column }) => identifier(column)),
    sql`, `,
  )
}

export function values(list: readonly Assignment[]): SQL {
  return sql.join(
    list.map(({ value }) => value),
    sql`, `,
  )
}

/** In a SELECT list a parameter has no column to take its type from. */
export function typedValues(list: readonly Assignment[]): SQL {
  return sql.join(
    list.map(({ column, value }) => castTo(column, value)),
    sql`, `,
  )
}

/**
 * Nothing was inserted because a unique value is taken: finds out which, so that the message can name it, where
 * the record that has it can be seen.
 */
export async function duplicate(
  scope: ReadScope,
  { entry, within }: Reach,
  row: readonly Assignment[],
): Promise<Failure> {
  for (const { fields } of entry.uniques) {
    if (fields.length === 0) continue
    const conditions = fields.flatMap((field) => {
      const column = entry.columns.get(field)
      if (!column) return []
      const given = row.find((assignment) => assignment.column === column)?.value
      const value = given ?? (column.default === undefined ? undefined : bindTo(column, column.default))
      return value ? [sql`${column} = ${value}`] : []
    })
    if (conditions.length !== fields.length) continue
    const answer = await scope.execute(
      sql`select 1 from ${entry.table} where ${sql.join(conditions, sql` and `)} and ${within} limit 1`,
    )
    if (answer.rows.length > 0) return sameValue(entry, fields.map(quote).join(' and '))
  }
  return sameValue(entry, 'recordId or value of a unique field')
}

function sameValue(entry: CatalogEntry, what: string): Failure {
  return fail(
    'CONFLICT',
    `Another record of ${quote(entry.name)} has the same ${what}; values must be unique.`,
  )
}
