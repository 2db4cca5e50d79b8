import { type SQL, sql } from 'drizzle-orm'
import type { Operation } from '../../drizzle/engine/access.ts'
import type { Statement } from '../db/database.ts'
import { toStatement } from '../db/to-statement.ts'
import { bindTo, systemColumns } from '../tools/data.ts'
import { Template } from '../tools/template.ts'
import { toSql, toValue } from './condition.ts'
import type { Permission, PermissionTerms } from './policy.ts'

/** What can be asked of a record that exists. */
export const ASKABLE = ['read', 'update', 'remove'] as const satisfies readonly Operation[]
export type AskableOperation = (typeof ASKABLE)[number]

/** What is asked about one record that the caller can read: whether they may do this with it, and what it holds. */
export interface Question {
  readonly operation: AskableOperation
  readonly recordId: string
  /** Whether the record is read: then its columns come first. The last column is whether they may. */
  readonly isRead: boolean
}

/** What a statement says where it names the caller and the record. */
interface Terms extends PermissionTerms {
  readonly recordId: unknown
}

const GAPS: Terms = {
  asker: { one: sql.placeholder('userId'), list: sql.placeholder('userIds') },
  recordId: sql.placeholder('recordId'),
  guardValue: sql.placeholder('guardValue'),
}

/**
 * The statement that asks. Its text hangs on what the caller's role may do, and on no caller, unless a rule is a
 * function: it is written once, since to write it costs more than to send it.
 */
export function questionOf(permission: Permission, question: Question): Statement {
  const { userId } = permission.actor
  const given = {
    recordId: question.recordId,
    userId,
    userIds: [userId],
    guardValue: permission.guard?.value,
  }
  return templateOf(permission, question)?.fill(given) ?? questionAnew(permission, question)
}

/** The same, written for this once. */
export function questionAnew(permission: Permission, question: Question): Statement {
  return toStatement(write(permission, question, { ...permission.terms, recordId: question.recordId }))
}

function templateOf(permission: Permission, question: Question): Template | undefined {
  const { view, actor, guard } = permission
  const { operation, isRead } = question
  if (typeof view.access.read === 'function' || typeof view.access[operation] === 'function') return undefined
  const isNobody = actor.userId === null
  const key = `${operation} ${isRead} ${isNobody} ${guard !== undefined}`
  let template = view.questions.get(key)
  if (!template) {
    template = new Template(write(permission, question, isNobody ? { ...GAPS, asker: null } : GAPS))
    view.questions.set(key, template)
  }
  return template
}

function write(permission: Permission, { operation, isRead }: Question, terms: Terms): SQL {
  const { entry, view } = permission
  const { recordId } = systemColumns(entry)
  const columns = isRead ? sql`${view.readable.selectList}, ` : sql``
  // What is found may be read.
  const may = operation === 'read' ? sql`true` : toValue(permission.condition(operation, terms))
  const readable = toSql(permission.condition('read', terms))
  return sql`
    select ${columns}${may} from ${entry.table}
    where ${recordId} = ${bindTo(recordId, terms.recordId)} and ${readable}`
}
