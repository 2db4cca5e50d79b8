import { type ActionResult, ok } from '../core/result.ts'
import { notFound } from '../tools/not-found.ts'
import type { Problems } from '../tools/problems.ts'
import { checkRecordId } from '../tools/record-id.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import { type AccessQuery, accessStatement, RECORD_OPERATIONS, type RecordOperation } from './access-query.ts'
import type { Permission } from './policy.ts'
import { deniedToRecord, deniedToRole } from './refusals.ts'

/** Reads the name of an operation. Adds an unknown name to the problems, which `checkRecordAccess` refuses. */
export function checkRecordOperation(
  operation: unknown,
  path: readonly string[],
  problems: Problems,
): RecordOperation {
  const known = RECORD_OPERATIONS.find((askable) => askable === operation)
  if (!known) problems.add(path, `must be one of ${RECORD_OPERATIONS.join(', ')}`)
  return known ?? 'read'
}

/** Checks access to one record. A success has its row; the failure is the one that the operation would return. */
export async function checkRecordAccess(
  runtime: ReadRuntime,
  permission: Permission,
  query: AccessQuery,
  problems: Problems,
): Promise<ActionResult<readonly unknown[]>> {
  const { operation, recordId } = query
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  if (!permission.allowsSome(operation)) return deniedToRole(permission, operation)
  const { rows } = await runtime.run(accessStatement(permission, query))
  const [row] = rows
  if (!row) return notFound(permission.entry, recordId)
  return row.at(-1) === true ? ok(row) : deniedToRecord(permission, operation, recordId)
}
