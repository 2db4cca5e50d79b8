/** Users whose blocking has changed since a revision, and the revision that includes all of them. */
export interface BlockChanges {
  readonly users: readonly { readonly userId: string; readonly isBlocked: boolean }[]
  readonly revision: number
}

export interface BlockedUsersOptions {
  /** Reads what has changed since a revision; 0 is everything. @throws when the database is away. */
  readonly load: (since: number) => Promise<BlockChanges>
  /** Whether other servers may block users as well. */
  readonly isShared: boolean
  /** The app's owner, who is never blocked. */
  readonly ownerUserId: string | undefined
  readonly onLoadFailure: (error: unknown) => void
  /** Milliseconds on a clock that is never set. @default performance.now */
  readonly nowMs?: () => number
}

/** Whether a user may call. `unknown`: it could not be asked. */
export type Admission = 'admitted' | 'blocked' | 'unknown'

/** A call is let in by a set that began to be read at most this long before the call came. */
const FRESH_MS = 1_000
/** From this age on the set is read again beside the calls, so that they need not wait for it. */
const REFRESH_AFTER_MS = 500
/** Who has blocked a user waits this long: then no server lets a call in by a set that was read before. */
const SETTLED_AFTER_MS = FRESH_MS + 50

/**
 * Who is blocked, as of at most a second before a call. It is held in memory and read again by revision while calls
 * come, so that a call pays for a look into a set. When it cannot be read, no one is let in.
 */
export class BlockedUsers {
  readonly #options: BlockedUsersOptions
  readonly #nowMs: () => number
  readonly #blocked = new Set<string>()
  #revision = 0
  #readAtMs = Number.NEGATIVE_INFINITY
  #loading: Promise<boolean> | undefined

  constructor(options: BlockedUsersOptions) {
    this.#options = options
    this.#nowMs = options.nowMs ?? (() => performance.now())
  }

  /** Whether a user was blocked when that was last read. */
  has(userId: string): boolean {
    return this.#blocked.has(userId)
  }

  /** Says at once whether a user may call; undefined where it has to be read first. */
  recall(userId: string): Exclude<Admission, 'unknown'> | undefined {
    const { isShared, ownerUserId } = this.#options
    if (userId === ownerUserId) return 'admitted'
    const ageMs = this.#nowMs() - this.#readAtMs
    if (isShared ? ageMs >= FRESH_MS : this.#readAtMs < 0) return undefined
    if (isShared && ageMs >= REFRESH_AFTER_MS) void this.#load()
    return this.#blocked.has(userId) ? 'blocked' : 'admitted'
  }

  /** Says whether a user may call, as of at most a second before now. Never throws. */
  async admit(userId: string): Promise<Admission> {
    const neededMs = this.#nowMs() - FRESH_MS
    const known = this.recall(userId)
    if (known) return known
    // A reading that is under way may have begun too early; the one after it has not.
    while (this.#readAtMs <= neededMs || this.#readAtMs < 0) if (!(await this.#load())) return 'unknown'
    return this.#blocked.has(userId) ? 'blocked' : 'admitted'
  }

  /** Waits until what was committed before is known to every server. */
  async settle(): Promise<void> {
    const committedAtMs = this.#nowMs()
    while (this.#readAtMs < committedAtMs)
      if (!(await this.#load())) {
        // What was read before is out of date: the next call reads it, or is not let in.
        this.#readAtMs = Number.NEGATIVE_INFINITY
        break
      }
    if (!this.#options.isShared) return
    const leftMs = committedAtMs + SETTLED_AFTER_MS - this.#nowMs()
    await new Promise((resolve) => setTimeout(resolve, leftMs))
  }

  /** One at a time. Never throws: false when it failed. */
  #load(): Promise<boolean> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #read(): Promise<boolean> {
    const beganAtMs = this.#nowMs()
    try {
      const { users, revision } = await this.#options.load(this.#revision)
      for (const { userId, isBlocked } of users)
        if (isBlocked) this.#blocked.add(userId)
        else this.#blocked.delete(userId)
      this.#revision = revision
      this.#readAtMs = beganAtMs
      return true
    } catch (error) {
      this.#options.onLoadFailure(error)
      return false
    }
  }
}
