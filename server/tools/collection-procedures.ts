// Types alone, without zod, Drizzle and tRPC: the client's package has them too.
import type { LivePage, MutateActionData, Page, RecordEnvelope } from '../core/record.ts'
import type { ActionResult } from '../core/result.ts'
import type { Omissible, TypedMutation, TypedQuery, TypedSubscription } from '../core/typed-procedures.ts'
import type { QueryOptions, Where } from './where-types.ts'

/** What of a collection's types the data API as the caller needs. */
export interface CallerTypes {
  /** A record's own fields as callers read it: where a role reads a part of them only, each may be absent. */
  readonly callerRecord: object
  /** What `where` compares with; unknown where it can only ask whether there is a value. */
  readonly compared: object
  /** What some role may give a new record; never where none may create. */
  readonly callerCreate: object
  /** What some role may write in an update; never where none may update. */
  readonly callerPatch: object
  /** What some role may give for an upsert by merge; never where none may create or update. */
  readonly callerMerge: object
}

/** The data API of one collection under the caller's permissions; inputs are named, answers are those of `tools`. */
export interface CollectionProcedures<T extends CallerTypes> {
  readonly get: TypedQuery<
    { readonly recordId: string },
    ActionResult<{ readonly record: RecordEnvelope<T['callerRecord']> }>
  >
  readonly list: TypedQuery<
    Omissible<QueryOptions<T['compared']>>,
    ActionResult<Page<RecordEnvelope<T['callerRecord']>>>
  >
  readonly count: TypedQuery<
    Omissible<{ readonly where?: Where<T['compared']> | undefined }>,
    ActionResult<{ readonly count: number }>
  >
  /** The page as it is now, and after each change as it is then: 200 records where no limit says less. */
  readonly live: TypedSubscription<
    Omissible<Omit<QueryOptions<T['compared']>, 'cursor' | 'direction'>>,
    LivePage<RecordEnvelope<T['callerRecord']>>
  >
  /** One record; null where there is none that the caller may read. */
  readonly liveRecord: TypedSubscription<
    { readonly recordId: string },
    { readonly record: RecordEnvelope<T['callerRecord']> | null }
  >
  readonly create: TypedMutation<
    CreateInput<T['callerCreate'], T['callerMerge']>,
    ActionResult<MutateActionData>
  >
  readonly update: TypedMutation<
    {
      readonly recordId: string
      readonly patch: T['callerPatch']
      readonly ifVersion?: number | undefined
    },
    ActionResult<MutateActionData>
  >
  readonly remove: TypedMutation<{ readonly recordId: string }, ActionResult<MutateActionData>>
}

/** With an id it upserts by merge. Where no role may create, there is no creating without one. */
type CreateInput<TCreate, TMerge> =
  | ([TCreate] extends [never] ? never : { readonly data: TCreate; readonly recordId?: undefined })
  | { readonly data: TMerge; readonly recordId: string }
