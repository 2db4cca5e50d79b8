import { type SQL, sql } from 'drizzle-orm'
import type { Operation } from '../../drizzle/engine/access.ts'
import type { MutateActionData, RecordEnvelope } from '../core/record.ts'
import { type ActionResult, ok } from '../core/result.ts'
import type { Statement } from '../db/database.ts'
import { toStatement } from '../db/statement.ts'
import { bindTo, systemColumns } from '../tools/assignments.ts'
import { checkRecordId, notFound, Problems } from '../tools/problems.ts'
import { StatementTemplate } from '../tools/statement-cache.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import { toSql, toValue } from './compile-rule.ts'
import type { Permission, PermissionTerms } from './policy.ts'
import { deniedToRecord, deniedToRole } from './refusals.ts'

/** The operations on a record that exists. */
const RECORD_OPERATIONS = ['read', 'update', 'remove'] as const satisfies readonly Operation[]
export type RecordOperation = (typeof RECORD_OPERATIONS)[number]

/** Asks whether a caller may do something with one record that they can read, and what it holds. */
export interface AccessQuery {
  readonly operation: RecordOperation
  readonly recordId: string
  /** Whether the record's columns are read, before the last column, which says whether the caller may. */
  readonly isRead: boolean
}

/** How a statement names the caller and the record: as values or as placeholders. */
interface Terms extends PermissionTerms {
  readonly recordId: unknown
}

const PLACEHOLDERS: Terms = {
  caller: { one: sql.placeholder('userId'), list: sql.placeholder('userIds') },
  recordId: sql.placeholder('recordId'),
  guardValue: sql.placeholder('guardValue'),
}

/**
 * Builds the statement of an access query. Its text is cached by role, since writing it costs more than sending it, but
 * not where a rule is a function, which may depend on the caller.
 */
export function accessStatement(permission: Permission, query: AccessQuery): Statement {
  const { userId } = permission.actor
  const given = {
    recordId: query.recordId,
    userId,
    userIds: [userId],
    guardValue: permission.guard?.value,
  }
  return templateOf(permission, query)?.fill(given) ?? newAccessStatement(permission, query)
}

/** Writes the statement of an access query without the cache. */
export function newAccessStatement(permission: Permission, query: AccessQuery): Statement {
  return toStatement(write(permission, query, { ...permission.terms, recordId: query.recordId }))
}

function templateOf(permission: Permission, query: AccessQuery): StatementTemplate | undefined {
  const { view, actor, guard } = permission
  const { operation, isRead } = query
  if (typeof view.access.read === 'function' || typeof view.access[operation] === 'function') return undefined
  const isNobody = actor.userId === null
  const key = `${operation} ${isRead} ${isNobody} ${guard !== undefined}`
  let template = view.accessStatements.get(key)
  if (!template) {
    template = new StatementTemplate(
      write(permission, query, isNobody ? { ...PLACEHOLDERS, caller: null } : PLACEHOLDERS),
    )
    view.accessStatements.set(key, template)
  }
  return template
}

function write(permission: Permission, { operation, isRead }: AccessQuery, terms: Terms): SQL {
  const { entry, view } = permission
  const { recordId } = systemColumns(entry)
  const columns = isRead ? sql`${view.readable.selectList}, ` : sql``
  // A record that is found may be read.
  const may = operation === 'read' ? sql`true` : toValue(permission.condition(operation, terms))
  const readable = toSql(permission.condition('read', terms))
  return sql`
    select ${columns}${may} from ${entry.table}
    where ${recordId} = ${bindTo(recordId, terms.recordId)} and ${readable}`
}

/** Reads the name of an operation. Adds an unknown name to the problems, which `checkRecordAccess` refuses. */
function checkRecordOperation(
  operation: unknown,
  path: readonly string[],
  problems: Problems,
): RecordOperation {
  const known = RECORD_OPERATIONS.find((askable) => askable === operation)
  if (!known) problems.add(path, `must be one of ${RECORD_OPERATIONS.join(', ')}`)
  return known ?? 'read'
}

/** Checks access to one record. A success has its row; the failure is the one that the operation would return. */
async function checkRecordAccess(
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
