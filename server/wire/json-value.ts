import { findUnacceptable } from './guard.ts'
import { sentence } from './issues.ts'

/** Says why JSON would not give a value back as it went in; undefined when it would. */
export function jsonProblem(value: unknown): string | undefined {
  const unacceptable = findUnacceptable(value)
  if (unacceptable) return sentence(unacceptable)
  const odd = findNonJson(value)
  return odd && `it holds a ${odd}`
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
