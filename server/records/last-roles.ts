import type { SQL } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import type { RuleActor } from '../../drizzle/engine/access.ts'

const MAX_USERS = 10_000

/** The caller with the role that their row had the last time. */
export interface PresumedCaller {
  readonly actor: RuleActor
  /** The role in it, null where there was no row. */
  readonly stored: string | null
  /** Whether a user's row has a role, of values or their placeholders. Whatever this caller may do hangs on it. */
  holds(userId: unknown, stored: unknown): SQL
}

/**
 * The role that each user's row had when it was last read, null where it had none. It grants nothing: it only tells
 * which role to ask about in the statement that reads what is asked for.
 */
export class LastRoles {
  readonly #roles = new LRUCache<string, { readonly stored: string | null }>({ max: MAX_USERS })

  /** Undefined for a user who was not seen for long. */
  of(userId: string): { readonly stored: string | null } | undefined {
    return this.#roles.get(userId)
  }

  saw(userId: string, stored: string | null): void {
    if (this.#roles.get(userId)?.stored !== stored) this.#roles.set(userId, { stored })
  }
}
