import type { AuditEntry } from '../../../../server/audit/entry.ts'
import type { AuditOutcome } from '../../../../server/audit/outcome.ts'
import type { AuditQuery } from '../../../../server/audit/query.ts'

/** What calls can be chosen by, and how each is named to a person. */
export const FILTERS = {
  actor: 'User',
  action: 'Action',
  outcome: 'Outcome',
  collection: 'Collection',
  recordId: 'Record',
} as const

/** The times between which calls can be chosen, each an instant in ISO 8601. */
export const TIMES = { from: 'From', to: 'Before' } as const

export type Filters = Partial<Record<keyof typeof FILTERS | keyof typeof TIMES, string>>

/** Reads the filters of an address; what is no filter is left out. */
export function readFilters(text: string): Filters {
  const given = new URLSearchParams(text)
  return Object.fromEntries(
    [...Object.keys(FILTERS), ...Object.keys(TIMES)].flatMap((name) => {
      const value = given.get(name)
      return value ? [[name, value]] : []
    }),
  )
}

/** Says what filters choose, as the audit log is asked. */
export function queryOf({ from, to, outcome, ...texts }: Filters): AuditQuery {
  return {
    limit: 50,
    ...texts,
    // The server says what is wrong with an outcome that is none, and with a time that is none.
    ...(outcome === undefined ? {} : { outcome: outcome as AuditOutcome }),
    ...(from === undefined ? {} : { from: new Date(from) }),
    ...(to === undefined ? {} : { to: new Date(to) }),
  }
}

/** Reads the input that was kept of a call; undefined where it is not whole. */
export function inputOf({ input }: AuditEntry): unknown {
  try {
    return input === null ? undefined : JSON.parse(input)
  } catch {
    return undefined
  }
}

/** Whether a name is that of an action, and no procedure of the engine's. */
export function isAction({ action }: AuditEntry): boolean {
  return /^[a-z][A-Za-z0-9]*$/.test(action)
}
