import { type ActionResult, ok } from '../core/result.ts'
import { Problems } from '../tools/problems.ts'
import type { ReadScope } from '../tools/scope.ts'
import type { MutateActionData } from '../tools/types.ts'
import { ask, checkOperation } from './ask.ts'
import type { Permission } from './policy.ts'
import type { AskableOperation } from './question.ts'

/** Says whether the caller may do something with a record as it is now: the failure is what doing it would answer. */
export async function may(
  scope: ReadScope,
  permission: Permission,
  operation: AskableOperation,
  recordId: string,
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  checkOperation(operation, ['operation'], problems)
  const answer = await ask(scope, permission, { operation, recordId, isRead: false }, problems)
  return answer.success ? ok({ recordId }) : answer
}
