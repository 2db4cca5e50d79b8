import { type ActionResult, ok } from '../core/result.ts'
import { Problems } from '../tools/problems.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import type { MutateActionData } from '../tools/types.ts'
import type { RecordOperation } from './access-query.ts'
import { checkRecordAccess, checkRecordOperation } from './check-record-access.ts'
import type { Permission } from './policy.ts'

/** Says whether the caller may do something with a record as it is now; the failure is the one that doing it would return. */
export async function may(
  runtime: ReadRuntime,
  permission: Permission,
  operation: RecordOperation,
  recordId: string,
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  checkRecordOperation(operation, ['operation'], problems)
  const answer = await checkRecordAccess(
    runtime,
    permission,
    { operation, recordId, isRead: false },
    problems,
  )
  return answer.success ? ok({ recordId }) : answer
}
