import type { Operation } from '../../drizzle/engine/access.ts'
import { collectionDefinition } from '../../drizzle/engine/collection.ts'
import type { Permission } from './policy.ts'

/**
 * Says which collections an answer under a permission depends on: its own, and that of the memberships of a `team` rule.
 * `all` where a rule is a function, whose condition may read any.
 */
export function collectionsRead(
  { entry, view }: Permission,
  operations: readonly Operation[] = ['read'],
): ReadonlySet<string> | 'all' {
  const rules = operations.map((operation) => view.access[operation])
  if (rules.some((rule) => typeof rule === 'function')) return 'all'
  const members = rules.includes('team') ? collectionDefinition(entry.table)?.access.teamMembers : undefined
  return new Set(members === undefined ? [entry.name] : [entry.name, members])
}
