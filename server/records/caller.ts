import type { RuleActor } from '../../drizzle/engine/access.ts'
import type { Actor } from '../auth/actor.ts'
import { ADMIN_ROLE, ANONYMOUS_ROLE, claimedRole, roleOf } from '../auth/role.ts'
import type { Catalog } from '../tools/catalog.ts'
import { storedRole } from '../tools/stored-role.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import type { Policies } from './policy.ts'

/** The role in a user's row; null without a row. */
export type StoredRole = string | null

/** The caller with their role, for the access rules. */
export class Caller {
  readonly policies: Policies
  /** The user whose row has the caller's role; undefined for the owner, and for a caller without a token. */
  readonly rowUserId: string | undefined
  readonly #runtime: ReadRuntime
  readonly #actor: Actor
  readonly #options: AccessSettings
  #storedRole: Promise<StoredRole> | undefined

  constructor(runtime: ReadRuntime, actor: Actor, options: AccessSettings) {
    this.policies = options.policies
    this.rowUserId = actor.kind === 'user' && actor.userId !== options.ownerUserId ? actor.userId : undefined
    this.#runtime = runtime
    this.#actor = actor
    this.#options = options
  }

  get catalog(): Catalog {
    return this.#runtime.catalog
  }

  /** Whether the role in the caller's row is read, or is being read. */
  get isKnown(): boolean {
    return this.#storedRole !== undefined
  }

  /** Returns the caller with their role. It is read once; in an attempt, inside the transaction. */
  async ruleActor(): Promise<RuleActor> {
    return this.actorWith(await this.storedRole())
  }

  /** Reads the role in the caller's row, once. */
  storedRole(): Promise<StoredRole> {
    this.#storedRole ??= this.#load()
    return this.#storedRole
  }

  /** Sets the role that a statement found in the caller's row, so that it is not read again. */
  learn(role: StoredRole): void {
    this.#storedRole ??= Promise.resolve(role)
  }

  /** Returns the caller, given the role in their row. */
  actorWith(stored: StoredRole): RuleActor {
    const actor = this.#actor
    if (actor.kind === 'anonymous') return { userId: null, role: ANONYMOUS_ROLE, isOwner: false }
    const { userId } = actor
    if (userId === this.#options.ownerUserId) return { userId, role: ADMIN_ROLE, isOwner: true }
    const { roleClaim, roles } = this.#options
    return { userId, role: roleOf(stored, claimedRole(actor.claims, roleClaim, roles)), isOwner: false }
  }

  async #load(): Promise<StoredRole> {
    if (this.rowUserId === undefined) return null
    return (await storedRole(this.#runtime, this.rowUserId)) ?? null
  }
}

export interface AccessSettings {
  readonly policies: Policies
  readonly ownerUserId: string | undefined
  /** The path of the role's claim in a token; undefined where only the rows of users have roles. */
  readonly roleClaim: string | undefined
  /** The roles that a token may claim. */
  readonly roles: ReadonlySet<string>
}
