import { type SQL, sql } from 'drizzle-orm'
import { type Failure, fail } from '../core/result.ts'
import type { SqlError } from '../db/database.ts'
import { mapDatabaseError } from '../db/sqlstate.ts'
import {
  type Assignment,
  type Binding,
  bindTo,
  bound,
  castTo,
  identifier,
  insertions,
  systemColumns,
} from './assignments.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'
import { constraintFields, readConstraintColumns, selectConstraintColumns } from './constraint-fields.ts'
import { quote } from './problems.ts'
import type { WriteRuntime } from './tool-runtime.ts'
import type { VisibleRecords } from './visible-records.ts'

/** Lists the columns and values of a new record. */
export function rowToInsert(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
): Binding[] {
  const system = systemColumns(entry)
  return [
    { column: system.recordId, value: recordId },
    { column: system.createdBy, value: runtime.userId },
    { column: system.createdAt, value: runtime.now },
    { column: system.updatedAt, value: runtime.now },
    ...insertions(entry, data),
  ]
}

/** Lists the columns and values of a new record as SQL. */
export function newRow(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
): Assignment[] {
  return bound(rowToInsert(runtime, entry, recordId, data))
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

/** Writes values for a SELECT list, where a parameter has no column to take its type from. */
export function typedValues(list: readonly Assignment[]): SQL {
  return sql.join(
    list.map(({ column, value }) => castTo(column, value)),
    sql`, `,
  )
}

/**
 * Finds the constraint that kept a record from being inserted, for the message. A caller who does not see every record is
 * told of a record that they can see, and of no other.
 */
export async function duplicate(
  runtime: WriteRuntime,
  visible: VisibleRecords,
  row: readonly Assignment[],
): Promise<Failure> {
  return (
    (await (visible.seesAll ? tried(runtime, visible, row) : found(runtime, visible, row))) ??
    unnamed(visible)
  )
}

/** Tries the insert without ON CONFLICT: the database's error names the constraint. */
async function tried(
  runtime: WriteRuntime,
  { entry }: VisibleRecords,
  row: readonly Assignment[],
): Promise<Failure | undefined> {
  const error = await runtime.trial(sql`insert into ${entry.table} (${names(row)}) values (${values(row)})`)
  const { constraint } = error ?? {}
  if (!error || constraint === undefined) return undefined
  const declared = constraintFields(runtime.catalog, error)
  if (declared && error.sqlstate === '23505')
    return sameValue(entry, declared.fields.map(quote).join(' and '))
  const known =
    declared ??
    readConstraintColumns(entry, (await runtime.run(selectConstraintColumns(entry.name, constraint))).rows)
  const mapped = mapDatabaseError(error, () => known)
  return mapped?.kind === 'failure' ? mapped.failure : undefined
}

/** Looks for a record with the same values among those that can be seen. */
async function found(
  runtime: WriteRuntime,
  { entry, within }: VisibleRecords,
  row: readonly Assignment[],
): Promise<Failure | undefined> {
  for (const { fields, isUnique } of entry.constraints) {
    if (!isUnique || fields.length === 0) continue
    const conditions = fields.flatMap((field) => {
      const column = entry.columns.get(field)
      if (!column) return []
      const given = row.find((assignment) => assignment.column === column)?.value
      const value = given ?? (column.default === undefined ? undefined : bindTo(column, column.default))
      return value ? [sql`${column} = ${value}`] : []
    })
    if (conditions.length !== fields.length) continue
    const answer = await runtime.execute(
      sql`select 1 from ${entry.table} where ${sql.join(conditions, sql` and `)} and ${within} limit 1`,
    )
    if (answer.rows.length > 0) return sameValue(entry, fields.map(quote).join(' and '))
  }
  return undefined
}

function sameValue(entry: CatalogEntry, what: string): Failure {
  return fail(
    'CONFLICT',
    `Another record of ${quote(entry.name)} has the same ${what}; values must be unique.`,
  )
}

function unnamed({ entry }: VisibleRecords): Failure {
  return fail(
    'CONFLICT',
    `Another record of ${quote(entry.name)} has the same recordId or value of a unique field, or excludes these values.`,
  )
}

const ANY = sql`on conflict do nothing`

/** Writes the ON CONFLICT DO NOTHING of an insert. */
export function onConflict(entry: CatalogEntry): SQL {
  return entry.arbiters.hasDeferrable
    ? sql`on conflict (${identifier(systemColumns(entry).recordId)}) do nothing`
    : ANY
}

/**
 * Learns from an error that a collection has a deferrable constraint, which a handwritten migration may have added.
 *
 * @returns the collection's name; its insert works when it is written again.
 */
export function learnDeferrable(catalog: Catalog, error: SqlError): string | undefined {
  const { sqlstate, routine, table } = error
  if (sqlstate !== '55000' || routine !== 'ExecCheckIndexConstraints' || table === undefined) return undefined
  const entry = catalog.get(table)
  if (!entry) return undefined
  entry.arbiters.hasDeferrable = true
  return entry.name
}
