import { type SQL, sql } from 'drizzle-orm'
import type { MutateActionData } from '../core/record.ts'
import { type ActionResult, fail, ok } from '../core/result.ts'
import {
  assignments,
  bindTo,
  bound,
  checkData,
  identifier,
  missingFields,
  notGiven,
  setClause,
  systemColumns,
} from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'
import { duplicate, names, newRow, onConflict, rowToInsert, typedValues, values } from './new-row.ts'
import { checkRecordId, Problems, quote } from './problems.ts'
import { StatementCache, type WriteStatement } from './statement-cache.ts'
import type { WriteRuntime } from './tool-runtime.ts'
import { allRecords } from './visible-records.ts'

/** Creates a record: a new one without an id, an upsert by merge with one. */
export async function create(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  data: unknown,
  recordId?: string,
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  if (recordId !== undefined) checkRecordId(recordId, problems)
  const given = checkData(entry, data, problems)
  const missing = missingFields(entry, given)
  if (recordId === undefined) {
    // Fields of refused data were given: they are not missing as well.
    const absent = typeof data === 'object' && data !== null ? notGiven(missing, data) : []
    for (const field of absent) problems.add(['data', field], 'is required')
  }
  const failure = problems.failure()
  if (failure) return failure
  return recordId === undefined
    ? insert(runtime, entry, given)
    : merge(runtime, entry, recordId, given, missing)
}

const insertStatement: WriteStatement = (entry, { list }) => sql`
  insert into ${entry.table} (${names(list)}) values (${values(list)})
  ${onConflict(entry)} returning ${identifier(systemColumns(entry).recordId)}`
const inserts = new StatementCache(insertStatement)
/** Inserts into collections with a deferrable constraint. */
const insertsById = new StatementCache(insertStatement)

async function insert(runtime: WriteRuntime, entry: CatalogEntry, data: Readonly<Record<string, unknown>>) {
  const recordId = runtime.mintId()
  const list = rowToInsert(runtime, entry, recordId, data)
  const kept = entry.arbiters.hasDeferrable ? insertsById : inserts
  const answer = await runtime.run(kept.of(entry, { list }))
  if (answer.rows.length === 0) return duplicate(runtime, allRecords(entry), bound(list))
  runtime.wrote('create', entry, recordId)
  return ok({ recordId })
}

/**
 * Updates a record, or inserts it, in one statement. `INSERT … ON CONFLICT DO UPDATE` would fail on a required column
 * that is not given even when the record exists.
 */
async function merge(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
  missing: readonly string[],
): Promise<ActionResult<MutateActionData>> {
  const answer = await runtime.execute(
    mergeStatement(
      runtime,
      entry,
      recordId,
      data,
      missing,
      sql`${identifier(systemColumns(entry).recordId)}`,
    ),
  )
  const [row] = answer.rows
  if (!row && missing.length > 0) {
    return fail(
      'BAD_REQUEST',
      `${quote(entry.name)} has no record ${quote(recordId)} yet; to create it, data needs ${missing.join(', ')}.`,
    )
  }
  if (!row) return duplicate(runtime, allRecords(entry), newRow(runtime, entry, recordId, data))
  runtime.wrote(row[0] === 'created' ? 'create' : 'update', entry, recordId)
  return ok({ recordId })
}

/**
 * Writes the statement of an upsert by merge. Names in it begin with an underscore, which no collection's name does.
 *
 * @param returning plain column names; the first column of the answer is `created` or `updated`.
 */
export function mergeStatement(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
  missing: readonly string[],
  returning: SQL,
): SQL {
  const { recordId: id } = systemColumns(entry)
  const updated = sql`update ${entry.table} set ${setClause(entry, assignments(entry, data), runtime.now)}
    where ${id} = ${bindTo(id, recordId)} returning ${returning}`
  if (missing.length > 0) return sql`with _updated as (${updated}) select 'updated', _updated.* from _updated`
  const list = newRow(runtime, entry, recordId, data)
  return sql`with _updated as (${updated}), _created as (
      insert into ${entry.table} (${names(list)}) select ${typedValues(list)} where not exists (select 1 from _updated)
      ${onConflict(entry)} returning ${returning})
    select 'updated', _updated.* from _updated union all select 'created', _created.* from _created`
}
