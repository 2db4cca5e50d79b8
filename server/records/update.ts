import { sql } from 'drizzle-orm'
import { toValue } from '../access/condition.ts'
import { type ActionResult, ok } from '../result.ts'
import {
  type Assignment,
  assignments,
  bindTo,
  setClause,
  systemAssignments,
  systemColumns,
} from '../tools/data.ts'
import { notFound } from '../tools/not-found.ts'
import { Problems } from '../tools/problems.ts'
import { checkRecordId } from '../tools/record-id.ts'
import type { ToolScope } from '../tools/scope.ts'
import type { MutateActionData } from '../tools/types.ts'
import { checkUpdateOptions, staleVersion, type UpdateOptions } from '../tools/update.ts'
import { checkWrite } from './check-write.ts'
import { hidingUniques } from './hiding-uniques.ts'
import type { Permission } from './policy.ts'
import { deniedAfterwards, deniedToRecord, deniedToRole } from './refusals.ts'
import { updatedRow } from './shadow.ts'

/** Patches a record as the caller, who must be allowed to update it as it is and as it would become. */
export async function updateAsCaller(
  scope: ToolScope,
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
  const answer = await hidingUniques(
    scope.execute(sql`
      with seen as (
        select ${toValue(permission.condition('read'))} as readable, ${toValue(rule)} as writable,
          ${current} as current, ${afterwards(permission, list, scope.now)} as afterwards
        from ${entry.table} where ${target}),
      written as (
        update ${entry.table} set ${setClause(entry, list, scope.now)} where ${target}
          and exists (select 1 from seen where readable and writable and current and afterwards) returning 1)
      select readable, writable, current, afterwards from seen`),
  )
  const [row] = answer.rows
  if (row?.[0] !== true) return notFound(entry, recordId)
  if (row[1] !== true) return deniedToRecord(permission, 'update', recordId)
  if (row[2] !== true) return staleVersion(entry, recordId, ifVersion)
  if (row[3] !== true) return deniedAfterwards(permission, 'update')
  scope.wrote('update', entry, recordId)
  return ok({ recordId })
}

/** Whether the actor could still update the record once it is written. */
export function afterwards(permission: Permission, list: readonly Assignment[], now: Date) {
  const { entry } = permission
  const rule = permission.condition('update')
  if (typeof rule === 'boolean') return toValue(rule)
  return sql`(select ${toValue(rule)} from ${updatedRow(entry, [...list, ...systemAssignments(entry, now)])})`
}
