import { difference, withoutPublic } from './questions.ts'
import type { TablesSnapshot } from './snapshot.ts'

/** Views, policies or roles of which some are declared no more and others are new: drizzle-kit would ask about them. */
export interface Replacement {
  /** `view`, `policy of "notes"` */
  readonly what: string
  readonly gone: readonly string[]
  readonly added: readonly string[]
}

/** Finds what drizzle-kit would ask about, and what no option tells. */
export function findReplacements(before: TablesSnapshot, declared: TablesSnapshot): readonly Replacement[] {
  const found = [
    { what: 'view', ...difference(before.views, declared.views) },
    { what: 'role', ...difference(before.roles ?? {}, declared.roles ?? {}) },
    { what: 'policy', ...difference(before.policies ?? {}, declared.policies ?? {}) },
    ...Object.entries(before.tables).flatMap(([key, { name, policies = {} }]) => {
      const now = declared.tables[key]
      return now ? [{ what: `policy of ${name}`, ...difference(policies, now.policies ?? {}) }] : []
    }),
  ]
  return found.filter(({ gone, added }) => gone.length > 0 && added.length > 0)
}

/** Says what is gone and what is new, and what to do. */
export function tellReplacements(replacements: readonly Replacement[]): string {
  const list = (names: readonly string[]) => names.map(withoutPublic).join(', ')
  return [
    'A rename cannot be told from a drop beside an addition, and of these it is not guessed:',
    ...replacements.map(
      ({ what, gone, added }) => `  ${what}: ${list(gone)} declared no more, ${list(added)} new`,
    ),
    'Do it in two steps: declare what is gone beside what is new and run deputy generate, then leave it out and run deputy generate again.',
  ].join('\n')
}
