/** What an anonymous caller may do. */
export const ANONYMOUS_ROLE = 'viewer'

/** What the owner may do, whatever their row says. */
export const ADMIN_ROLE = 'admin'

/** What a verified user without a row, or without a role in it, may do. */
const DEFAULT_ROLE = 'member'

/** Roles that there are in every app. */
export const BUILT_IN_ROLES: readonly string[] = [ANONYMOUS_ROLE, DEFAULT_ROLE, ADMIN_ROLE]

export function roleOf(stored: unknown): string {
  return typeof stored === 'string' && stored !== '' ? stored : DEFAULT_ROLE
}
