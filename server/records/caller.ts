import type { RuleActor } from '../../drizzle/engine/access.ts'
import type { Actor } from '../auth/actor.ts'
import { ADMIN_ROLE, ANONYMOUS_ROLE, claimedRole, roleOf } from '../auth/role.ts'
import type { ReadScope } from '../tools/scope.ts'
import { hasStoredRole, storedRole } from '../tools/stored-role.ts'
import type { PresumedCaller } from './last-roles.ts'
import type { Policies } from './policy.ts'

/** The caller, as access rules ask about them. */
export class Caller {
  readonly policies: Policies
  readonly #scope: ReadScope
  readonly #actor: Actor
  readonly #options: CallerOptions
  #ruleActor: Promise<RuleActor> | undefined

  constructor(scope: ReadScope, actor: Actor, options: CallerOptions) {
    this.policies = options.policies
    this.#scope = scope
    this.#actor = actor
    this.#options = options
  }

  /** The caller with their role, which is read once: in an attempt, with the transaction's own eyes. */
  ruleActor(): Promise<RuleActor> {
    this.#ruleActor ??= this.#load()
    return this.#ruleActor
  }

  /** Undefined when nothing has to be presumed, or nothing can be. */
  presumed(): PresumedCaller | undefined {
    if (
      this.#ruleActor ||
      this.#actor.kind === 'anonymous' ||
      this.#actor.userId === this.#options.ownerUserId
    )
      return undefined
    const { userId } = this.#actor
    const last = this.policies.lastRoles.of(userId)
    if (!last) return undefined
    const { stored } = last
    const { catalog } = this.#scope
    return {
      actor: { userId, role: roleOf(stored, this.#claimedRole()), isOwner: false },
      stored,
      holds: (user, role) => hasStoredRole(catalog, user, role),
    }
  }

  /** Takes what was presumed for what is: a statement that hangs on it has found something. */
  confirm({ actor }: Pick<PresumedCaller, 'actor'>): void {
    this.#ruleActor ??= Promise.resolve(actor)
  }

  async #load(): Promise<RuleActor> {
    if (this.#actor.kind === 'anonymous') return { userId: null, role: ANONYMOUS_ROLE, isOwner: false }
    const { userId } = this.#actor
    if (userId === this.#options.ownerUserId) return { userId, role: ADMIN_ROLE, isOwner: true }
    const stored = await storedRole(this.#scope, userId)
    this.policies.lastRoles.saw(userId, stored ?? null)
    return { userId, role: roleOf(stored, this.#claimedRole()), isOwner: false }
  }

  #claimedRole(): string | undefined {
    const { roleClaim, roles } = this.#options
    return this.#actor.kind === 'user' ? claimedRole(this.#actor.claims, roleClaim, roles) : undefined
  }
}

export interface CallerOptions {
  readonly policies: Policies
  readonly ownerUserId: string | undefined
  /** Where a token says a role; undefined where the rows of users alone say it. */
  readonly roleClaim: string | undefined
  /** Those that a token may say. */
  readonly roles: ReadonlySet<string>
}
