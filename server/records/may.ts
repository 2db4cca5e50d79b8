import { sql } from 'drizzle-orm'
import type { Operation } from '../../drizzle/access.ts'
import { toValue } from '../access/condition.ts'
import { type ActionResult, ok } from '../result.ts'
import { bindTo, systemColumns } from '../tools/data.ts'
import { notFound } from '../tools/not-found.ts'
import { Problems } from '../tools/problems.ts'
import { checkRecordId } from '../tools/record-id.ts'
import type { ReadScope } from '../tools/scope.ts'
import type { MutateActionData } from '../tools/types.ts'
import type { Permission } from './policy.ts'
import { deniedToRecord, deniedToRole } from './refusals.ts'

/** What can be asked of a record that exists. */
const ASKABLE = ['read', 'update', 'remove'] as const satisfies readonly Operation[]
export type AskableOperation = (typeof ASKABLE)[number]

/** Says whether the caller may do something with a record as it is now: the failure is what doing it would answer. */
export async function may(
  scope: ReadScope,
  permission: Permission,
  operation: AskableOperation,
  recordId: string,
): Promise<ActionResult<MutateActionData>> {
  const { entry } = permission
  const problems = new Problems()
  if (!ASKABLE.includes(operation)) problems.add(['operation'], `must be one of ${ASKABLE.join(', ')}`)
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  const rule = permission.condition(operation)
  if (rule === false) return deniedToRole(permission, operation)
  const { recordId: id } = systemColumns(entry)
  const readable = toValue(permission.condition('read'))
  const answer = await scope.execute(sql`
    select ${readable}, case when ${readable} then ${toValue(rule)} else false end
    from ${entry.table} where ${id} = ${bindTo(id, recordId)} and ${permission.provided}`)
  const [row] = answer.rows
  if (row?.[0] !== true) return notFound(entry, recordId)
  return row[1] === true ? ok({ recordId }) : deniedToRecord(permission, operation, recordId)
}
