import { LRUCache } from 'lru-cache'
import type { RuleActor } from '../../drizzle/engine/access.ts'
import type { Actor } from '../auth/actor.ts'
import { ADMIN_ROLE, ANONYMOUS_ROLE, claimedRole, roleOf } from '../auth/role.ts'
import type { ActionResult } from '../core/result.ts'
import type { Catalog } from '../tools/catalog.ts'
import { hasStoredRole, storedRole } from '../tools/stored-role.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import type { Permission, Policies, Policy } from './policy.ts'

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

// A remembered role grants nothing: a statement finds something only where the user still has that role.
const MAX_USERS = 10_000

/** The roles that users' rows had when they were last read, by user id. */
type LastRoles = LRUCache<string, { readonly role: StoredRole }>

/** The remembered roles of each app. */
const lastRoles = new WeakMap<Policies, LastRoles>()

/**
 * Runs a read in one statement instead of two: it presumes that the caller still has the role of last time, and checks
 * that in the same statement. Where that finds nothing, it reads the role and runs the read again.
 *
 * @param isFound says whether a success comes from a record that was found, and not from finding none.
 */
export async function withPresumedRole<T>(
  caller: Caller,
  policy: Policy,
  read: (permission: Permission) => Promise<ActionResult<T>>,
  isFound: (data: T) => boolean,
): Promise<ActionResult<T>> {
  const { rowUserId, catalog, policies } = caller
  // The owner's role, and that of a caller without a token, is in no row.
  if (rowUserId === undefined || caller.isKnown) return read(policy.for(await caller.ruleActor()))
  const roles = rolesOf(policies)
  const last = roles.get(rowUserId)
  if (last) {
    const guarded = policy.for(caller.actorWith(last.role), {
      value: last.role,
      holds: (userId, value) => hasStoredRole(catalog, userId, value),
    })
    const answer = await read(guarded)
    if (answer.success && isFound(answer.data)) {
      caller.learn(last.role)
      return answer
    }
  }
  const role = await caller.storedRole()
  if (last?.role !== role) roles.set(rowUserId, { role })
  return read(policy.for(caller.actorWith(role)))
}

function rolesOf(policies: Policies): LastRoles {
  let roles = lastRoles.get(policies)
  if (!roles) {
    roles = new LRUCache({ max: MAX_USERS })
    lastRoles.set(policies, roles)
  }
  return roles
}
