import type { RecordEnvelope } from '../core/record.ts'
import { type ActionResult, ok } from '../core/result.ts'
import { Problems } from '../tools/problems.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import { checkRecordAccess, checkRecordOperation, type RecordOperation } from './access-query.ts'
import type { Permission } from './policy.ts'

/** Options of a caller's `get`: what they must be allowed to do with the record. */
export interface CallerGetOptions {
  /** @default 'read' */
  readonly may?: RecordOperation
}

/** Reads a record that the caller may do something with; the failure is the one that doing it would return. */
export async function getAsCaller(
  runtime: ReadRuntime,
  permission: Permission,
  recordId: string,
  options: unknown = {},
): Promise<ActionResult<{ record: RecordEnvelope }>> {
  const problems = new Problems()
  const operation = checkOptions(options, problems)
  const answer = await checkRecordAccess(runtime, permission, { operation, recordId, isRead: true }, problems)
  return answer.success ? ok({ record: permission.view.readable.toEnvelope(answer.data) }) : answer
}

function checkOptions(options: unknown, problems: Problems): RecordOperation {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    problems.add(['options'], 'must be an object')
    return 'read'
  }
  for (const key of Object.keys(options)) {
    if (key !== 'may') problems.add([key], 'is no option; the only option is may')
  }
  const { may: operation = 'read' }: { readonly may?: unknown } = options
  return checkRecordOperation(operation, ['may'], problems)
}
