import { BUILT_IN_ROLES } from '../auth/role.ts'
import type { Policies } from '../records/policy.ts'
import { actionDefinition } from './action.ts'

/** Every role that means something: the engine's own, those of the access rules, and those that actions ask for. */
export function rolesOf(policies: Policies, actions: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const ofActions = Object.values(actions).flatMap((action) => actionDefinition(action)?.role ?? [])
  return new Set([
    ...BUILT_IN_ROLES,
    ...[...policies.values()].flatMap((policy) => policy.roles),
    ...ofActions,
  ])
}
