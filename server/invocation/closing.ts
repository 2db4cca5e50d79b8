import type { ActionResult } from '../core/result.ts'
import type { Statement } from '../db/database.ts'
import { Parameters } from '../db/parameters.ts'
import { queueMessages } from '../queue/message.ts'
import { toStored } from '../wire/stored.ts'
import type { Attempt } from './attempt.ts'
import { auditStatement, isWorthAuditing } from './audit-entry.ts'
import { insertResult } from './idempotency.ts'
import type { RecordedCall } from './invocation-record.ts'

/** What has to be kept together with an action's writes: its audit row, its messages, and the answer of its key. */
export interface Closing {
  readonly statement: Statement
  readonly isAudited: boolean
}

/** The last statement of a run that succeeded; undefined when nothing has to be kept. */
export function closingOf(
  call: RecordedCall,
  result: ActionResult<unknown>,
  { writes, messages }: Pick<Attempt, 'writes' | 'messages'>,
): Closing | undefined {
  // A transaction that only reads keeps nothing; its row, if there must be one, comes after it.
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
  const stored = { ...keyScope, token: id, keptInput: record.keptInput, result: toStored(result) }
  return [insertResult(parameters, stored)]
}

function originOf({ userId, action, id }: RecordedCall['invocation']) {
  return { caller: userId, action, invocation: id }
}
