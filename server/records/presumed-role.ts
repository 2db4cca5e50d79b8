// A remembered role grants nothing: a statement finds something only where the user still has that role.
import { LRUCache } from 'lru-cache'
import type { ActionResult } from '../core/result.ts'
import { hasStoredRole } from '../tools/stored-role.ts'
import type { Caller, StoredRole } from './caller.ts'
import type { Permission, Policies, Policy } from './policy.ts'

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
