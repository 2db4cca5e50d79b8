import { type ActionResult, ok } from '../core/result.ts'
import { notFound } from '../tools/not-found.ts'
import type { Problems } from '../tools/problems.ts'
import { checkRecordId } from '../tools/record-id.ts'
import type { ReadScope } from '../tools/scope.ts'
import type { Permission } from './policy.ts'
import { ASKABLE, type AskableOperation, type Question, questionOf } from './question.ts'
import { deniedToRecord, deniedToRole } from './refusals.ts'

/** Checks the name of an operation; what is wrong with it is among the problems, and refused by `ask`. */
export function checkOperation(
  operation: unknown,
  path: readonly string[],
  problems: Problems,
): AskableOperation {
  const known = ASKABLE.find((askable) => askable === operation)
  if (!known) problems.add(path, `must be one of ${ASKABLE.join(', ')}`)
  return known ?? 'read'
}

/** Asks about one record. A success is its row; the failure is what the operation would answer. */
export async function ask(
  scope: ReadScope,
  permission: Permission,
  question: Question,
  problems: Problems,
): Promise<ActionResult<readonly unknown[]>> {
  const { operation, recordId } = question
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  if (!permission.allowsSome(operation)) return deniedToRole(permission, operation)
  const { rows } = await scope.run(questionOf(permission, question))
  const [row] = rows
  if (!row) return notFound(permission.entry, recordId)
  return row.at(-1) === true ? ok(row) : deniedToRecord(permission, operation, recordId)
}
