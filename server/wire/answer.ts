import type { IssueInfo } from '../core/result.ts'
import { isInstantInRange } from './scalars.ts'
import { findProblem } from './walk.ts'

/** How many arrays and objects of an answer may stand inside each other; it also ends a cyclic one. */
export const MAX_ANSWER_DEPTH = 200

const NO_PLAIN_DATA =
  'Value is no plain data: answer with text, numbers, dates, bigints, arrays and plain objects.'

/**
 * Finds the first thing in an answer that a transport could not carry unchanged: NaN and the infinities,
 * invalid dates, functions, symbols, class instances such as Map and Error, and cycles.
 */
export function findUnsendable(value: unknown): IssueInfo | undefined {
  return findProblem(value, { maxDepth: MAX_ANSWER_DEPTH, leaf: checkLeaf, key: checkKey })
}

/**
 * Throws when an answer could not be carried unchanged. What an action returns is the app's own, so this is
 * a bug of the action and not a failure of the call.
 */
export function assertSendable(value: unknown): void {
  const issue = findUnsendable(value)
  if (issue)
    throw new Error(`The answer cannot be sent: ${issue.message} Path: ${JSON.stringify(issue.path)}`)
}

function checkLeaf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
    case 'undefined':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : 'Number must be finite: answer null instead.'
    case 'object':
      if (value === null) return undefined
      if (!(value instanceof Date)) return NO_PLAIN_DATA
      return isInstantInRange(value)
        ? undefined
        : 'Date must be a valid instant in the years 1 to 9999 (UTC).'
    default:
      return NO_PLAIN_DATA
  }
}

function checkKey(key: string): string | undefined {
  return key === '__proto__' ? 'Key "__proto__" is not allowed.' : undefined
}
