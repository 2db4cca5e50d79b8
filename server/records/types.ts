import type { MutateActionData, Page, RecordEnvelope } from '../core/record.ts'
import type { ActionResult } from '../core/result.ts'
import type { AnyCollections, RecordIdArgument } from '../tools/types.ts'
import type { UpdateOptions } from '../tools/update.ts'
import type { QueryOptions, Where } from '../tools/where-types.ts'
import type { CallerGetOptions, RecordOperation } from './access-query.ts'

/** Reads under the caller's permissions. A record that the caller may not read does not exist for them. */
export interface CallerReads<TCollections extends AnyCollections> {
  /** With `may`, only where the caller may do that with the record as it is now: otherwise the failure is that of `may`. */
  get<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
    options?: CallerGetOptions,
  ): Promise<ActionResult<{ readonly record: RecordEnvelope<TCollections[K]['callerRecord']> }>>
  query<K extends keyof TCollections & string>(
    collection: K,
    options?: QueryOptions<TCollections[K]['compared']>,
  ): Promise<ActionResult<Page<RecordEnvelope<TCollections[K]['callerRecord']>>>>
  count<K extends keyof TCollections & string>(
    collection: K,
    where?: Where<TCollections[K]['compared']>,
  ): Promise<ActionResult<{ readonly count: number }>>
  /** Says whether the caller may do this with a record as it is now; the failure is the one that doing it would return. */
  may<K extends keyof TCollections & string>(
    operation: RecordOperation,
    collection: K,
    recordId: string,
  ): Promise<ActionResult<MutateActionData>>
}

/** The data API under the caller's permissions, with the verbs and results of `tools`. */
export interface CallerRecords<TCollections extends AnyCollections> extends CallerReads<TCollections> {
  /** With an id it upserts by merge: a missing record is created; of an existing one the fields given are written. */
  create<K extends keyof TCollections & string, TId extends RecordIdArgument>(
    collection: K,
    data: TId extends [string] ? TCollections[K]['callerMerge'] : TCollections[K]['callerCreate'],
    ...recordId: TId
  ): Promise<ActionResult<MutateActionData>>
  update<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
    patch: TCollections[K]['callerPatch'],
    options?: UpdateOptions,
  ): Promise<ActionResult<MutateActionData>>
  remove<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
  ): Promise<ActionResult<MutateActionData>>
}
