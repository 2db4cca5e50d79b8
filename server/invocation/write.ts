import type { SeenBefore } from './seen-before.ts'

/** A write to one record, or by the app's own SQL. */
export type Write = readonly [operation: string, collection: string, recordId: string]

/** What a call has written and committed. */
export interface CommittedWrites {
  readonly writes: readonly Write[]
  readonly before: SeenBefore
}
