import type { Problems } from './problems.ts'

const MAX_LENGTH = 255

/** Checks a record id: any text of 1…255 characters without controls, because ids of users come from their tokens. */
export function checkRecordId(recordId: unknown, problems: Problems): recordId is string {
  if (
    typeof recordId === 'string' &&
    recordId.length >= 1 &&
    recordId.length <= MAX_LENGTH &&
    recordId.isWellFormed() &&
    !/\p{Cc}/u.test(recordId)
  ) {
    return true
  }
  problems.add(['recordId'], `must be a string of 1 to ${MAX_LENGTH} characters without control characters`)
  return false
}
