import { claimAt } from './claims.ts'

/** What an anonymous caller may do. */
export const ANONYMOUS_ROLE = 'viewer'

/** What the owner may do, whatever their row says. */
export const ADMIN_ROLE = 'admin'

/** What a verified user without a row, or without a role in it, may do. */
const DEFAULT_ROLE = 'member'

/** Roles that there are in every app. */
export const BUILT_IN_ROLES: readonly string[] = [ANONYMOUS_ROLE, DEFAULT_ROLE, ADMIN_ROLE]

/** The role of a verified user: what their row says, unless that is the default; else what their token claims. */
export function roleOf(stored: unknown, claimed?: string): string {
  const said = typeof stored === 'string' && stored !== '' ? stored : DEFAULT_ROLE
  return said === DEFAULT_ROLE ? (claimed ?? DEFAULT_ROLE) : said
}

/**
 * The role that a token claims, as text or in a list, among those that the app has; undefined for none of them. Of
 * several it is `admin`, else the first that the app names itself, in the order of `roles`, else `member`, else
 * `viewer`: a provider's list has no order that could be meant.
 */
export function claimedRole(
  claims: unknown,
  path: string | undefined,
  roles: ReadonlySet<string>,
): string | undefined {
  if (path === undefined) return undefined
  const value = claimAt(claims, path)
  const claimed = new Set<unknown>(Array.isArray(value) ? value : [value])
  if (claimed.has(ADMIN_ROLE)) return ADMIN_ROLE
  const known = [...roles].filter((role) => claimed.has(role))
  return known.find((role) => !BUILT_IN_ROLES.includes(role)) ?? known.at(-1)
}
