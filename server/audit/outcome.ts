import { type ErrorCode, HTTP_STATUS, isErrorCode } from '../core/errors.ts'

/** How an invocation ended: `OK`, or the code of its failure; `dry-run` for one that was to change nothing. */
export type AuditOutcome = 'OK' | 'dry-run' | ErrorCode

export const AUDIT_OUTCOME_RULE = `must be OK, dry-run or a failure's code: ${Object.keys(HTTP_STATUS).join(', ')}`

/** Whether a value is `OK`, `dry-run` or an error code. */
export function isAuditOutcome(value: unknown): value is AuditOutcome {
  return value === 'OK' || value === 'dry-run' || isErrorCode(value)
}
