/** Says what JSON could not hold as it is; undefined when it could. */
export function findNonJson(value: unknown): string | undefined {
  if (value instanceof Date) return 'Date (pass its ISO string)'
  if (typeof value === 'bigint') return 'bigint (pass its decimal string)'
  if (typeof value !== 'object' || value === null) return undefined
  for (const member of Object.values(value)) {
    const odd = findNonJson(member)
    if (odd) return odd
  }
  return undefined
}

/** The same for a column, which must give back what it was given: JSON drops undefined, or makes it null. */
export function findUnstorable(value: unknown): string | undefined {
  return findNonJson(value) ?? (holdsUndefined(value) ? 'undefined (leave it out)' : undefined)
}

function holdsUndefined(value: unknown): boolean {
  if (value === undefined) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsUndefined)
}
