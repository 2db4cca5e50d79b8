import type { RuleActor } from '../../drizzle/access.ts'
import type { Actor } from '../auth/actor.ts'
import { ADMIN_ROLE, ANONYMOUS_ROLE, roleOf } from '../auth/role.ts'
import type { ReadScope } from '../tools/scope.ts'
import { storedRole } from '../tools/stored-role.ts'
import type { Policies } from './policy.ts'

/** The caller, as access rules ask about them. */
export class Caller {
  readonly policies: Policies
  readonly #scope: ReadScope
  readonly #actor: Actor
  readonly #ownerUserId: string | undefined
  #ruleActor: Promise<RuleActor> | undefined

  constructor(scope: ReadScope, actor: Actor, options: CallerOptions) {
    this.policies = options.policies
    this.#scope = scope
    this.#actor = actor
    this.#ownerUserId = options.ownerUserId
  }

  /** The caller with their role, which is read once: in an attempt, with the transaction's own eyes. */
  ruleActor(): Promise<RuleActor> {
    this.#ruleActor ??= this.#load()
    return this.#ruleActor
  }

  async #load(): Promise<RuleActor> {
    if (this.#actor.kind === 'anonymous') return { userId: null, role: ANONYMOUS_ROLE, isOwner: false }
    const { userId } = this.#actor
    if (userId === this.#ownerUserId) return { userId, role: ADMIN_ROLE, isOwner: true }
    return { userId, role: roleOf(await storedRole(this.#scope, userId)), isOwner: false }
  }
}

export interface CallerOptions {
  readonly policies: Policies
  readonly ownerUserId: string | undefined
}
