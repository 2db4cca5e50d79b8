/** A call, as the audit log has it. */
export interface Call {
  readonly id: string
  readonly at: string
  readonly requestId: string
  readonly transport: string
  readonly source: string
  readonly actor: string | null
  readonly actedBy: string | null
  readonly action: string
  readonly outcome: string
  readonly attempts: number
  readonly durationMs: number
  readonly writes: readonly (readonly [operation: string, collection: string, recordId: string])[]
  readonly writeCount: number
  readonly payers: readonly string[]
  readonly cost: number | null
  readonly calls: number
  /** JSON text, which may have been cut; null where it was erased. */
  readonly input: string | null
  readonly ip: string | null
}

/** A call, with what belongs to it. */
export interface AuditedCall {
  readonly entry: Call
  readonly steps: readonly {
    readonly endpoint: string
    readonly outcome: 'answered' | 'nothing' | 'unknown' | null
    readonly payer: 'owner' | 'caller' | null
    readonly cost: number
    readonly durationMs: number | null
    readonly at: string
  }[]
  /** Null for who is not the owner. */
  readonly once: readonly PerformedOnce[] | null
  readonly log: CallLog | null
  readonly job: { readonly id: string; readonly schedule: string | null } | null
}

/** A `once` step of a call. */
export interface PerformedOnce {
  readonly key: string
  readonly outcome: 'answered' | 'failed'
  readonly at: string
  readonly durationMs: number
  readonly attempt: number
}

/** What a call wrote to the log, as far as it is kept. */
export interface CallLog {
  readonly lines: readonly {
    readonly at: string
    readonly level: string
    readonly message: string
    /** JSON text, which may have been cut; null for none. */
    readonly fields: string | null
    readonly attempt: number
  }[]
  readonly leftOut: number
}

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

/** Reads the input that was kept of a call; undefined where it is not whole. */
export function inputOf({ input }: Call): unknown {
  try {
    return input === null ? undefined : JSON.parse(input)
  } catch {
    return undefined
  }
}

/** Whether a name is that of an action, and no procedure of the engine's. */
export function isAction({ action }: Call): boolean {
  return /^[a-z][A-Za-z0-9]*$/.test(action)
}
