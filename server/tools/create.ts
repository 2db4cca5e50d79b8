import { type SQL, sql } from 'drizzle-orm'
import { type ActionResult, fail, ok } from '../result.ts'
import type { CatalogEntry } from './catalog.ts'
import {
  type Assignment,
  assignments,
  bindTo,
  checkData,
  identifier,
  insertions,
  missingFields,
  setClause,
  systemColumns,
} from './data.ts'
import { Problems, quote } from './problems.ts'
import { checkRecordId } from './record-id.ts'
import type { ToolScope } from './scope.ts'
import type { MutateActionData } from './types.ts'

/** Creates a record: a new one without an id, an upsert by merge with one. */
export async function create(
  scope: ToolScope,
  entry: CatalogEntry,
  data: unknown,
  recordId?: string,
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  if (recordId !== undefined) checkRecordId(recordId, problems)
  const given = checkData(entry, data, problems)
  const missing = missingFields(entry, given)
  if (recordId === undefined) {
    // Fields of refused data are not missing: they were given, and were refused.
    const absent =
      typeof data === 'object' && data !== null ? missing.filter((field) => !Object.hasOwn(data, field)) : []
    for (const field of absent) problems.add(['data', field], 'is required')
  }
  const failure = problems.failure()
  if (failure) return failure
  return recordId === undefined ? insert(scope, entry, given) : merge(scope, entry, recordId, given, missing)
}

async function insert(scope: ToolScope, entry: CatalogEntry, data: Readonly<Record<string, unknown>>) {
  const recordId = scope.mintId()
  const list = newRow(scope, entry, recordId, data)
  const { recordId: id } = systemColumns(entry)
  const answer = await scope.execute(sql`
    insert into ${entry.table} (${names(list)}) values (${values(list)})
    on conflict do nothing returning ${identifier(id)}`)
  if (answer.rows.length === 0) return duplicate(scope, entry, list)
  scope.wrote('create', entry, recordId)
  return ok({ recordId })
}

/**
 * UPDATE, else INSERT, in one statement. `INSERT … ON CONFLICT DO UPDATE` will not do: it fails on a required
 * column that is not given even when the record exists.
 */
async function merge(
  scope: ToolScope,
  entry: CatalogEntry,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
  missing: readonly string[],
): Promise<ActionResult<MutateActionData>> {
  const answer = await scope.execute(
    mergeStatement(scope, entry, recordId, data, missing, sql`${identifier(systemColumns(entry).recordId)}`),
  )
  const [row] = answer.rows
  if (!row && missing.length > 0) {
    return fail(
      'BAD_REQUEST',
      `${quote(entry.name)} has no record ${quote(recordId)} yet; to create it, data needs ${missing.join(', ')}.`,
    )
  }
  if (!row) return duplicate(scope, entry, newRow(scope, entry, recordId, data))
  scope.wrote(row[0] === 'created' ? 'create' : 'update', entry, recordId)
  return ok({ recordId })
}

/** `returning` is a list of plain column names; the first column of the answer says `created` or `updated`. */
export function mergeStatement(
  scope: ToolScope,
  entry: CatalogEntry,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
  missing: readonly string[],
  returning: SQL,
): SQL {
  const { recordId: id } = systemColumns(entry)
  const updated = sql`update ${entry.table} set ${setClause(entry, assignments(entry, data), scope.now)}
    where ${id} = ${bindTo(id, recordId)} returning ${returning}`
  if (missing.length > 0) return sql`with updated as (${updated}) select 'updated', updated.* from updated`
  const list = newRow(scope, entry, recordId, data)
  return sql`with updated as (${updated}), created as (
      insert into ${entry.table} (${names(list)}) select ${typedValues(list)} where not exists (select 1 from updated)
      on conflict do nothing returning ${returning})
    select 'updated', updated.* from updated union all select 'created', created.* from created`
}

function newRow(
  scope: ToolScope,
  entry: CatalogEntry,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
): Assignment[] {
  const system = systemColumns(entry)
  return [
    { column: system.recordId, value: bindTo(system.recordId, recordId) },
    { column: system.createdBy, value: bindTo(system.createdBy, scope.userId) },
    { column: system.createdAt, value: bindTo(system.createdAt, scope.now) },
    { column: system.updatedAt, value: bindTo(system.updatedAt, scope.now) },
    ...insertions(entry, data),
  ]
}

function names(list: readonly Assignment[]): SQL {
  return sql.join(
    list.map(({ column }) => identifier(column)),
    sql`, `,
  )
}

function values(list: readonly Assignment[]): SQL {
  return sql.join(
    list.map(({ value }) => value),
    sql`, `,
  )
}

/** In a SELECT list a parameter has no column to take its type from. */
function typedValues(list: readonly Assignment[]): SQL {
  return sql.join(
    list.map(({ column, value }) => sql`${value}::${sql.raw(column.getSQLType())}`),
    sql`, `,
  )
}

/** Nothing was inserted because a unique value is taken: finds out which, so that the message can name it. */
async function duplicate(scope: ToolScope, entry: CatalogEntry, row: readonly Assignment[]) {
  const taken: string[] = []
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
      sql`select 1 from ${entry.table} where ${sql.join(conditions, sql` and `)} limit 1`,
    )
    if (answer.rows.length > 0) taken.push(fields.map(quote).join(' and '))
  }
  const what = taken[0] ?? 'value in a unique field'
  return fail(
    'CONFLICT',
    `Another record of ${quote(entry.name)} has the same ${what}; values must be unique.`,
  )
}
