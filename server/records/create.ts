import { is, type SQL, SQL as SqlChunk, sql } from 'drizzle-orm'
import type { MutateActionData } from '../core/record.ts'
import { type ActionResult, fail, ok } from '../core/result.ts'
import {
  type Assignment,
  assignments,
  bindTo,
  castTo,
  identifier,
  missingFields,
  setClause,
  systemColumns,
} from '../tools/assignments.ts'
import { duplicate, names, newRow, onConflict } from '../tools/new-row.ts'
import { checkRecordId, Problems, quote } from '../tools/problems.ts'
import type { WriteRuntime } from '../tools/tool-runtime.ts'
import { checkWrite } from './check-write.ts'
import { toValue } from './compile-rule.ts'
import { hideConstraints } from './hide-constraints.ts'
import type { Permission } from './policy.ts'
import { deniedAfterwards, deniedToRecord, deniedToRole } from './refusals.ts'
import { insertedRow } from './row-after-write.ts'
import { decisions } from './update.ts'

/** Creates a record as the caller: a new one without an id, an upsert by merge with one. */
export async function createAsCaller(
  runtime: WriteRuntime,
  permission: Permission,
  data: unknown,
  recordId?: string,
): Promise<ActionResult<MutateActionData>> {
  const mayCreate = permission.condition('create') !== false
  if (!mayCreate && (recordId === undefined || permission.condition('update') === false))
    return deniedToRole(permission, 'create')
  const problems = new Problems()
  if (recordId !== undefined) checkRecordId(recordId, problems)
  const checked = checkWrite(permission, data, problems, 'data')
  if ('failure' in checked) return checked.failure
  const missing = missingFields(permission.entry, checked.given)
  if (recordId === undefined) for (const field of missing) problems.add(['data', field], 'is required')
  const failure = problems.failure()
  if (failure) return failure
  return recordId === undefined
    ? insert(runtime, permission, checked.given)
    : merge(runtime, permission, recordId, checked.given, missing)
}

async function insert(
  runtime: WriteRuntime,
  permission: Permission,
  data: Readonly<Record<string, unknown>>,
): Promise<ActionResult<MutateActionData>> {
  const { entry } = permission
  const recordId = runtime.mintId()
  const list = candidate(runtime, permission, recordId, data)
  const answer = await hideConstraints(
    runtime,
    permission,
    runtime.execute(sql`
      with ${checkedCandidate(permission, list)},
      _created as (${insertion(permission, list, sql`(select allowed from _rule)`)})
      select allowed, exists (select 1 from _created) from _rule`),
  )
  const [row] = answer.rows
  if (row?.[0] !== true) return deniedAfterwards(permission, 'create')
  if (row[1] !== true) return duplicate(runtime, permission.visible, list)
  runtime.wrote('create', entry, recordId)
  return ok({ recordId })
}

/**
 * Upserts by merge. An id of a record that the caller may not read is treated like a free one as far as possible: it is a
 * CONFLICT only where a free one would have been created.
 */
async function merge(
  runtime: WriteRuntime,
  permission: Permission,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
  missing: readonly string[],
): Promise<ActionResult<MutateActionData>> {
  const { entry } = permission
  const changes = assignments(entry, data)
  const list = candidate(runtime, permission, recordId, data)
  const { recordId: id } = systemColumns(entry)
  const target = sql`${id} = ${bindTo(id, recordId)}`
  const canInsert = missing.length === 0
  // A hidden record is not looked for: the insert fails on its id, and on nothing that depends on it.
  const isFree = sql`(select allowed from _rule) and not exists (select 1 from _seen where readable)`
  const answer = await hideConstraints(
    runtime,
    permission,
    runtime.execute(sql`
      with _seen as (
        select ${decisions(permission, changes, runtime.now)} from ${entry.table} where ${target}),
      ${canInsert ? checkedCandidate(permission, list) : sql`_rule as (select false as allowed)`},
      _updated as (
        update ${entry.table} set ${setClause(entry, changes, runtime.now)} where ${target}
          and exists (select 1 from _seen where readable and writable and afterwards) returning 1),
      _created as (${canInsert ? insertion(permission, list, isFree) : sql`select 1 where false`})
      select readable, writable, afterwards, allowed, exists (select 1 from _created)
      from _rule left join _seen on true`),
  )
  const [readable, writable, after, creatable, created] = answer.rows[0] ?? []
  if (readable === true) {
    if (writable !== true) return updateDenied(permission, recordId)
    if (after !== true) return deniedAfterwards(permission, 'update')
    runtime.wrote('update', entry, recordId)
    return ok({ recordId })
  }
  if (permission.condition('create') === false) return deniedToRole(permission, 'create')
  if (!canInsert) {
    return fail(
      'BAD_REQUEST',
      `${quote(entry.name)} has no record ${quote(recordId)} yet; to create it, data needs ${missing.join(', ')}.`,
    )
  }
  if (creatable !== true) return deniedAfterwards(permission, 'create')
  if (created !== true) return duplicate(runtime, permission.visible, list)
  runtime.wrote('create', entry, recordId)
  return ok({ recordId })
}

function updateDenied(permission: Permission, recordId: string) {
  return permission.condition('update') === false
    ? deniedToRole(permission, 'update')
    : deniedToRecord(permission, 'update', recordId)
}

/** Lists the columns and values of a record that would be created, with the database's own defaults. */
function candidate(
  runtime: WriteRuntime,
  { entry, ownerOfCreation }: Permission,
  recordId: string,
  data: Readonly<Record<string, unknown>>,
): Assignment[] {
  const list = newRow(runtime, entry, recordId, data)
  const added = [...entry.columns.values()].flatMap((column) => {
    if (column.generated !== undefined || list.some((assignment) => assignment.column === column)) return []
    if (is(column.default, SqlChunk)) return [{ column, value: column.default }]
    // Otherwise a default of the table could name an owner that no rule has checked.
    return column === ownerOfCreation ? [{ column, value: bindTo(column, column.default ?? null) }] : []
  })
  return [...list, ...added]
}

/**
 * Writes `_row`, the record that would be created, and `_rule`, whether the actor may create it. `_row` is computed once,
 * so that the stored record is the checked one, even where a default differs every time.
 */
function checkedCandidate(permission: Permission, list: readonly Assignment[]): SQL {
  const { entry } = permission
  const row = sql.join(
    list.map(({ column, value }) => sql`${castTo(column, value)} as ${identifier(column)}`),
    sql`, `,
  )
  const stored = list.map(({ column }) => ({ column, value: sql`select ${identifier(column)} from _row` }))
  const rule = permission.creation
  const allowed =
    typeof rule === 'boolean'
      ? toValue(rule)
      : sql`(select ${toValue(rule)} from ${insertedRow(entry, stored)})`
  return sql`_row as materialized (select ${row}), _rule as (select ${allowed} as allowed)`
}

function insertion({ entry }: Permission, list: readonly Assignment[], condition: SQL): SQL {
  return sql`insert into ${entry.table} (${names(list)}) select ${names(list)} from _row where ${condition}
    ${onConflict(entry)} returning 1`
}
