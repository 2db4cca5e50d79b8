import { sql } from 'drizzle-orm'
import type { MutateActionData } from '../core/record.ts'
import { type ActionResult, ok } from '../core/result.ts'
import { bindTo, systemColumns } from '../tools/assignments.ts'
import { checkRecordId, notFound, Problems } from '../tools/problems.ts'
import type { WriteRuntime } from '../tools/tool-runtime.ts'
import { toValue } from './compile-rule.ts'
import { hideConstraints } from './hide-constraints.ts'
import type { Permission } from './policy.ts'
import { deniedToRecord, deniedToRole } from './refusals.ts'

/** Deletes a record as the caller. */
export async function removeAsCaller(
  runtime: WriteRuntime,
  permission: Permission,
  recordId: string,
): Promise<ActionResult<MutateActionData>> {
  const { entry } = permission
  const rule = permission.condition('remove')
  if (rule === false) return deniedToRole(permission, 'remove')
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  const { recordId: id } = systemColumns(entry)
  const target = sql`${id} = ${bindTo(id, recordId)}`
  const readable = toValue(permission.condition('read'))
  const answer = await hideConstraints(
    runtime,
    permission,
    runtime.execute(sql`
    with _seen as (
      select ${readable} as readable, case when ${readable} then ${toValue(rule)} else false end as removable
      from ${entry.table} where ${target}),
    _removed as (
      delete from ${entry.table} where ${target}
        and exists (select 1 from _seen where readable and removable) returning 1)
    select readable, removable from _seen`),
  )
  const [row] = answer.rows
  if (row?.[0] !== true) return notFound(entry, recordId)
  if (row[1] !== true) return deniedToRecord(permission, 'remove', recordId)
  runtime.wrote('remove', entry, recordId)
  return ok({ recordId })
}
