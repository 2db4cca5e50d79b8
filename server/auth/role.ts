/** What a verified user without a row, or without a role in it, may do. */
const DEFAULT_ROLE = 'member'

export function roleOf(stored: unknown): string {
  return typeof stored === 'string' && stored !== '' ? stored : DEFAULT_ROLE
}
