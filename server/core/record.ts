/** A record as tools return it. */
export interface RecordEnvelope<TData = Record<string, unknown>> {
  readonly recordId: string
  readonly data: TData
  /** The verified user whose call created it; null when the app did without a user. */
  readonly createdBy: string | null
  /** Null only where `unreadable` names it. */
  readonly createdAt: Date | null
  /** Null only where `unreadable` names it, until the next write. */
  readonly updatedAt: Date | null
  /** Starts at 1 and grows by one with every write; after 2 147 483 647 it is 1 again. */
  readonly version: number
  /**
   * Fields whose stored value JSON cannot hold, such as `infinity` in a date: they are null, whatever their type says.
   * `createdAt` and `updatedAt` may be among them. Only other programs than Deputy write such values. Absent where there
   * are none.
   */
  readonly unreadable?: readonly string[]
}

export interface Page<TRecord> {
  readonly records: readonly TRecord[]
  /** How many records this page holds; the total is `tools.count`. */
  readonly count: number
  /** Where the next page starts; null on the last. */
  readonly nextCursor: string | null
}

/** A page as a stream shows it: the newest one, which no cursor goes on from. */
export interface LivePage<TRecord> {
  readonly records: readonly TRecord[]
  /** How many records this page holds. */
  readonly count: number
  /** Whether more records match than the page holds. */
  readonly hasMore: boolean
}

export interface MutateActionData {
  readonly recordId: string
}
