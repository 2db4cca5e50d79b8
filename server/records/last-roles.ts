import { LRUCache } from 'lru-cache'

const MAX_USERS = 10_000

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
