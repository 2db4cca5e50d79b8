import type { ActionResult } from '../core/result.ts'
import type { AnyCollections, Envelope, MutateActionData, Page, RecordIdArgument } from '../tools/types.ts'
import type { UpdateOptions } from '../tools/update.ts'
import type { QueryOptions, Where } from '../tools/where-types.ts'
import type { CallerGetOptions } from './get.ts'
import type { AskableOperation } from './question.ts'

/** Reads under the caller's permissions. What the caller may not read is as good as missing. */
export interface CallerReads<TCollections extends AnyCollections> {
  /** With `may`, only where the caller may do that with the record as it is now: else it answers as `may` does. */
  get<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
    options?: CallerGetOptions,
  ): Promise<ActionResult<{ readonly record: Envelope<TCollections[K]['callerRecord']> }>>
  query<K extends keyof TCollections & string>(
    collection: K,
    options?: QueryOptions<TCollections[K]['compared']>,
  ): Promise<ActionResult<Page<Envelope<TCollections[K]['callerRecord']>>>>
  count<K extends keyof TCollections & string>(
    collection: K,
    where?: Where<TCollections[K]['compared']>,
  ): Promise<ActionResult<{ readonly count: number }>>
  /** Whether the caller may do this with a record as it is now; the failure is what doing it would answer. */
  may<K extends keyof TCollections & string>(
    operation: AskableOperation,
    collection: K,
    recordId: string,
  ): Promise<ActionResult<MutateActionData>>
}

/** The data API under the caller's permissions, with the verbs and answers of `tools`. */
export interface CallerRecords<TCollections extends AnyCollections> extends CallerReads<TCollections> {
  /** With an id it upserts by merge: absent, it is created; present, the fields given are written, others kept. */
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
