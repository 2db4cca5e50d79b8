import type { ActionResult } from '../core/result.ts'
import type { Statement } from '../db/database.ts'
import { Parameters } from '../db/parameters.ts'
import { queueMessages } from '../queue/message.ts'
import { toStored } from '../wire/stored.ts'
import type { Attempt } from './attempt.ts'
import { auditStatement, isWorthAuditing } from './audit-entry.ts'
import { insertResult } from './idempotency.ts'
import type { RecordedCall } from './invocation-record.ts'

/** The last statement of an attempt: it writes the audit row, the messages, and the result of the idempotency key. */
export interface CommitStatement {
  readonly statement: Statement
  readonly isAudited: boolean
}

/** Builds the last statement of an attempt that succeeded; undefined when there is nothing to write. */
export function commitStatementOf(
  call: RecordedCall,
  result: ActionResult<unknown>,
  { writes, messages }: Pick<Attempt, 'writes' | 'messages'>,
): CommitStatement | undefined {
  // A transaction that only reads writes nothing; its audit row, if there is one, is written after it.
  const { invocation } = call
  if (invocation.readOnly) return undefined
  if (!isWorthAuditing(call, 'OK', writes)) {
    if (!invocation.keyScope) return undefined
    const parameters = new Parameters()
    const [sql = ''] = answerParts(call, result, parameters)
    return { statement: { sql, params: parameters.values }, isAudited: false }
  }
  const beside = (parameters: Parameters) => {
    const answer = answerParts(call, result, parameters)
    return messages.length === 0
      ? answer
      : [...answer, queueMessages(parameters, originOf(invocation), messages)]
  }
  return { statement: auditStatement(call, 'OK', writes, { messages, beside }), isAudited: true }
}

function answerParts(
  { invocation, record }: RecordedCall,
  result: ActionResult<unknown>,
  parameters: Parameters,
): string[] {
  const { keyScope, id } = invocation
  if (!keyScope) return []
  const stored = { ...keyScope, token: id, storedInput: record.storedInput, result: toStored(result) }
  return [insertResult(parameters, stored)]
}

function originOf({ userId, action, id }: RecordedCall['invocation']) {
  return { caller: userId, action, invocation: id }
}
