import type { Failure } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import { findGrant, grant } from './grant.ts'

export interface OwnerCredits {
  readonly ownerUserId: string
  /** In whole micro-credits. */
  readonly ownerCredits: number
}

/**
 * Grants the owner's account its first credits, once: a later start with another number changes nothing.
 *
 * @returns what was granted, by this start or an earlier one.
 */
export async function grantOwnerCredits(
  database: Database,
  { ownerUserId: account, ownerCredits: amount }: OwnerCredits,
): Promise<{ readonly granted: number } | Failure> {
  // No caller's key has a slash.
  const key = `start/OWNER_CREDITS/${account}`
  if (amount > 0) {
    const result = await grant(database, { account, amount, key, grantedBy: null })
    if (!result.success && result.code !== 'UNPROCESSABLE_CONTENT') return result
  }
  return { granted: (await findGrant(database, key))?.granted ?? 0 }
}
