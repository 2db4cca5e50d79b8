import { type SQL, sql } from 'drizzle-orm'
import type { Operation } from '../../drizzle/access.ts'
import { toSql, toValue } from '../access/condition.ts'
import { type ActionResult, ok } from '../result.ts'
import { bindTo, systemColumns } from '../tools/data.ts'
import { notFound } from '../tools/not-found.ts'
import { Problems } from '../tools/problems.ts'
import { checkRecordId } from '../tools/record-id.ts'
import type { ReadScope } from '../tools/scope.ts'
import type { Envelope, MutateActionData } from '../tools/types.ts'
import type { Permission } from './policy.ts'
import { deniedToRecord, deniedToRole } from './refusals.ts'

/** What can be asked of a record that exists. */
const ASKABLE = ['read', 'update', 'remove'] as const satisfies readonly Operation[]
export type AskableOperation = (typeof ASKABLE)[number]

/** What a caller must be allowed to do with a record before they get it. */
export interface CallerGetOptions {
  readonly may?: AskableOperation
}

const NO_COLUMNS = sql``

/** Says whether the caller may do something with a record as it is now: the failure is what doing it would answer. */
export async function may(
  scope: ReadScope,
  permission: Permission,
  operation: AskableOperation,
  recordId: string,
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  checkOperation(operation, ['operation'], problems)
  const row = await ask(scope, { permission, operation, recordId, columns: NO_COLUMNS }, problems)
  return row.success ? ok({ recordId }) : row
}

/** Reads a record that the caller may do something with; the failure is what doing it would answer. */
export async function getIfMay(
  scope: ReadScope,
  permission: Permission,
  recordId: string,
  options: unknown,
): Promise<ActionResult<{ record: Envelope }>> {
  const problems = new Problems()
  const operation = checkOptions(options, problems)
  const { selectList, toEnvelope } = permission.view.readable
  const row = await ask(scope, { permission, operation, recordId, columns: sql`${selectList}, ` }, problems)
  return row.success ? ok({ record: toEnvelope(row.data) }) : row
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

interface Question {
  readonly permission: Permission
  readonly operation: AskableOperation
  readonly recordId: string
  /** What is read beside the answer. */
  readonly columns: SQL
}

async function ask(
  scope: ReadScope,
  { permission, operation, recordId, columns }: Question,
  problems: Problems,
): Promise<ActionResult<readonly unknown[]>> {
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  const { entry } = permission
  const rule = permission.condition(operation)
  if (rule === false) return deniedToRole(permission, operation)
  const { recordId: id } = systemColumns(entry)
  const answer = await scope.execute(sql`
    select ${columns}${toValue(rule)} from ${entry.table}
    where ${id} = ${bindTo(id, recordId)} and ${toSql(permission.condition('read'))} and ${permission.provided}`)
  const [row] = answer.rows
  if (!row) return notFound(entry, recordId)
  return row.at(-1) === true ? ok(row) : deniedToRecord(permission, operation, recordId)
}
