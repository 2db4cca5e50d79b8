import type { AnyCollection, HasHiddenFields } from '../../drizzle/engine/collection.ts'
import type { ActionResult } from '../core/result.ts'
import type {
  AnyCollections,
  CreateData,
  Envelope,
  MutateActionData,
  Page,
  Patch,
  QueryOptions,
  RecordData,
  Where,
} from '../tools/types.ts'
import type { UpdateOptions } from '../tools/update.ts'
import type { CallerGetOptions } from './get.ts'
import type { AskableOperation } from './question.ts'

/** A record as a caller reads it: where a role reads a part of the fields only, each of them may be absent. */
export type CallerRecordOf<T extends AnyCollection> = Envelope<
  HasHiddenFields<T> extends false ? RecordData<T> : Partial<RecordData<T>>
>

/** Reads under the caller's permissions. What the caller may not read is as good as missing. */
export interface CallerReads<TCollections extends AnyCollections> {
  /** With `may`, only where the caller may do that with the record as it is now: else it answers as `may` does. */
  get<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
    options?: CallerGetOptions,
  ): Promise<ActionResult<{ readonly record: CallerRecordOf<TCollections[K]> }>>
  query<K extends keyof TCollections & string>(
    collection: K,
    options?: QueryOptions<TCollections[K]>,
  ): Promise<ActionResult<Page<CallerRecordOf<TCollections[K]>>>>
  count<K extends keyof TCollections & string>(
    collection: K,
    where?: Where<TCollections[K]>,
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
  create<K extends keyof TCollections & string>(
    collection: K,
    data: CreateData<TCollections[K]>,
  ): Promise<ActionResult<MutateActionData>>
  /** Upserts by merge: absent, it is created; present, the fields given are written and the others kept. */
  create<K extends keyof TCollections & string>(
    collection: K,
    data: Patch<TCollections[K]>,
    recordId: string,
  ): Promise<ActionResult<MutateActionData>>
  update<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
    patch: Patch<TCollections[K]>,
    options?: UpdateOptions,
  ): Promise<ActionResult<MutateActionData>>
  remove<K extends keyof TCollections & string>(
    collection: K,
    recordId: string,
  ): Promise<ActionResult<MutateActionData>>
}
