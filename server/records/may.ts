import type { Operation } from '../../drizzle/access.ts'
import { type ActionResult, ok } from '../result.ts'
import { notFound } from '../tools/not-found.ts'
import { Problems } from '../tools/problems.ts'
import { checkRecordId } from '../tools/record-id.ts'
import type { ReadScope } from '../tools/scope.ts'
import type { Envelope, MutateActionData } from '../tools/types.ts'
import type { Permission } from './policy.ts'
import { type Question, questionOf } from './question.ts'
import { deniedToRecord, deniedToRole } from './refusals.ts'

/** What can be asked of a record that exists. */
const ASKABLE = ['read', 'update', 'remove'] as const satisfies readonly Operation[]
export type AskableOperation = (typeof ASKABLE)[number]

/** What a caller must be allowed to do with a record before they get it. */
export interface CallerGetOptions {
  /** @default 'read' */
  readonly may?: AskableOperation
}

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

function checkOperation(operation: unknown, path: readonly string[], problems: Problems): AskableOperation {
  const known = ASKABLE.find((askable) => askable === operation)
  if (!known) problems.add(path, `must be one of ${ASKABLE.join(', ')}`)
  return known ?? 'read'
}

async function ask(
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
