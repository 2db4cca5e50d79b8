import { type ActionResult, ok } from '../core/result.ts'
import { Problems } from '../tools/problems.ts'
import type { ReadScope } from '../tools/scope.ts'
import type { Envelope } from '../tools/types.ts'
import { ask, checkOperation } from './ask.ts'
import type { Permission } from './policy.ts'
import type { AskableOperation } from './question.ts'

/** What a caller must be allowed to do with a record before they get it. */
export interface CallerGetOptions {
  /** @default 'read' */
  readonly may?: AskableOperation
}

/** Reads a record that the caller may do something with; the failure is what doing it would answer. */
export async function getAsCaller(
  scope: ReadScope,
  permission: Permission,
  recordId: string,
  options: unknown = {},
): Promise<ActionResult<{ record: Envelope }>> {
  const problems = new Problems()
  const operation = checkOptions(options, problems)
  const answer = await ask(scope, permission, { operation, recordId, isRead: true }, problems)
  return answer.success ? ok({ record: permission.view.readable.toEnvelope(answer.data) }) : answer
}

function checkOptions(options: unknown, problems: Problems): AskableOperation {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    problems.add(['options'], 'must be an object')
    return 'read'
  }
  for (const key of Object.keys(options)) {
    if (key !== 'may') problems.add([key], 'is no option; the only option is may')
  }
  const { may: operation = 'read' }: { readonly may?: unknown } = options
  return checkOperation(operation, ['may'], problems)
}
