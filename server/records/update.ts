import { type SQL, sql } from 'drizzle-orm'
import type { MutateActionData } from '../core/record.ts'
import { type ActionResult, ok } from '../core/result.ts'
import {
  type Assignment,
  assignments,
  bindTo,
  setClause,
  systemAssignments,
  systemColumns,
} from '../tools/assignments.ts'
import { checkRecordId, notFound, Problems } from '../tools/problems.ts'
import type { WriteRuntime } from '../tools/tool-runtime.ts'
import { checkUpdateOptions, staleVersion, type UpdateOptions } from '../tools/update.ts'
import { checkWrite } from './check-write.ts'
import { toValue } from './compile-rule.ts'
import { hideConstraints } from './hide-constraints.ts'
import type { Permission } from './policy.ts'
import { deniedAfterwards, deniedToRecord, deniedToRole } from './refusals.ts'
import { updatedRow } from './row-after-write.ts'

/** Patches a record as the caller, who must be allowed to update it as it is and as it would become. */
export async function updateAsCaller(
  runtime: WriteRuntime,
  permission: Permission,
  recordId: string,
  patch: unknown,
  options: UpdateOptions = {},
): Promise<ActionResult<MutateActionData>> {
  const { entry } = permission
  const rule = permission.condition('update')
  if (rule === false) return deniedToRole(permission, 'update')
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const ifVersion = checkUpdateOptions(options, problems)
  const checked = checkWrite(permission, patch, problems, 'patch')
  if ('failure' in checked) return checked.failure
  if (Object.keys(checked.given).length === 0) problems.add(['patch'], 'must name at least one field')
  const failure = problems.failure()
  if (failure) return failure

  const { recordId: id, version } = systemColumns(entry)
  const list = assignments(entry, checked.given)
  const target = sql`${id} = ${bindTo(id, recordId)}`
  const current = ifVersion === undefined ? sql`true` : sql`${version} = ${bindTo(version, ifVersion)}`
  const answer = await hideConstraints(
    runtime,
    permission,
    runtime.execute(sql`
      with _seen as (
        select ${decisions(permission, list, runtime.now)}, ${current} as current
        from ${entry.table} where ${target}),
      _written as (
        update ${entry.table} set ${setClause(entry, list, runtime.now)} where ${target}
          and exists (select 1 from _seen where readable and writable and current and afterwards) returning 1)
      select readable, writable, current, afterwards from _seen`),
  )
  const [row] = answer.rows
  if (row?.[0] !== true) return notFound(entry, recordId)
  if (row[1] !== true) return deniedToRecord(permission, 'update', recordId)
  if (row[2] !== true) return staleVersion(entry, recordId, ifVersion)
  if (row[3] !== true) return deniedAfterwards(permission, 'update')
  runtime.wrote('update', entry, recordId)
  return ok({ recordId })
}

/**
 * Writes what the rules say about a stored record, and about the record after an update, as the columns `readable`,
 * `writable` and `afterwards`. For a record that may not be read the other rules are not evaluated: an error of theirs
 * could reveal its values.
 */
export function decisions(permission: Permission, list: readonly Assignment[], now: Date): SQL {
  const readable = toValue(permission.condition('read'))
  const writable = toValue(permission.condition('update'))
  return sql`${readable} as readable,
    case when ${readable} then ${writable} else false end as writable,
    case when not ${readable} then false when not ${writable} then false
      else ${afterwards(permission, list, now)} end as afterwards`
}

/** Writes the condition that the actor could still update the record afterwards, and has not taken it over. */
function afterwards(permission: Permission, list: readonly Assignment[], now: Date): SQL {
  const { entry } = permission
  const rule = permission.condition('update')
  const kept = toValue(permission.keepsOwner(list))
  if (typeof rule === 'boolean') return sql`(${kept} and ${toValue(rule)})`
  const updated = updatedRow(entry, [...list, ...systemAssignments(entry, now)])
  return sql`(${kept} and (select ${toValue(rule)} from ${updated}))`
}
