import { findUnacceptable } from './guard.ts'
import { sentence } from './issues.ts'

/** Says why JSON would not give a value back as it went in; undefined when it would. */
export function jsonProblem(value: unknown): string | undefined {
  const unacceptable = findUnacceptable(value)
  if (unacceptable) return sentence(unacceptable)
  const odd = findNonJson(value)
  return odd && `it holds a ${odd}`
}

/** Says what a column of JSON would not give back as it was given: JSON drops undefined, or makes it null. */
export function findUnstorable(value: unknown): string | undefined {
  return findNonJson(value) ?? (holdsUndefined(value) ? 'undefined (leave it out)' : undefined)
}

function findNonJson(value: unknown): string | undefined {
  if (value instanceof Date) return 'Date (pass its ISO string)'
  if (typeof value === 'bigint') return 'bigint (pass its decimal string)'
  if (typeof value !== 'object' || value === null) return undefined
  for (const member of Object.values(value)) {
    const odd = findNonJson(member)
    if (odd) return odd
  }
  return undefined
}

function holdsUndefined(value: unknown): boolean {
  if (value === undefined) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsUndefined)
}
