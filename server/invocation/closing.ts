import type { Statement } from '../db/database.ts'
import type { ActionResult } from '../result.ts'
import { toStored } from '../wire/stored.ts'
import { auditStatement, isWorthAuditing, type Write } from './audit-entry.ts'
import { INSERT_RESULT } from './idempotency.ts'
import type { Invocation } from './invocation.ts'

/** What has to be kept together with an action's writes: its audit row, and the answer of its key. */
export interface Closing {
  readonly statement: Statement
  readonly isAudited: boolean
}

/** The last statement of a run that succeeded; undefined when nothing has to be kept. */
export function closingOf(
  invocation: Invocation,
  result: ActionResult<unknown>,
  writes: readonly Write[],
): Closing | undefined {
  // A transaction that only reads keeps nothing; its row, if there must be one, comes after it.
  if (invocation.readOnly) return undefined
  const answer = answerStatement(invocation, result)
  if (isWorthAuditing(invocation, 'OK', writes))
    return { statement: auditStatement(invocation, 'OK', writes, answer), isAudited: true }
  return answer && { statement: answer, isAudited: false }
}

function answerStatement(invocation: Invocation, result: ActionResult<unknown>): Statement | undefined {
  const { keyScope, inputHash = '' } = invocation
  if (!keyScope) return undefined
  const { actor, action, key } = keyScope
  return { sql: INSERT_RESULT, params: [invocation.id, actor, action, key, inputHash, toStored(result)] }
}
