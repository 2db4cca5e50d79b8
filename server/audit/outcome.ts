import { type ErrorCode, HTTP_STATUS, isErrorCode } from '../core/errors.ts'

/** How an invocation ended: `OK`, or the code of its failure. */
export type Outcome = 'OK' | ErrorCode

export const OUTCOME_RULE = `must be OK or a failure's code: ${Object.keys(HTTP_STATUS).join(', ')}`

export function isOutcome(value: unknown): value is Outcome {
  return value === 'OK' || isErrorCode(value)
}
