import { type ErrorCode, HTTP_STATUS, isErrorCode } from '../core/errors.ts'

/** How an invocation ended: `OK`, or the code of its failure. */
export type AuditOutcome = 'OK' | ErrorCode

export const AUDIT_OUTCOME_RULE = `must be OK or a failure's code: ${Object.keys(HTTP_STATUS).join(', ')}`

/** Whether a value is `OK` or an error code. */
export function isAuditOutcome(value: unknown): value is AuditOutcome {
  return value === 'OK' || isErrorCode(value)
}
