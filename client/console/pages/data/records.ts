import { type InfiniteData, skipToken, useQueryClient } from '@tanstack/react-query'
import type { Page, RecordEnvelope } from '../../../../server/core/record.ts'
import { deputy } from '../../shell/deputy.ts'
import { pagesOf } from '../../shell/pages.ts'
import type { Viewer } from '../../shell/viewer.ts'
import type { ListQuery } from './list-address.ts'

/** A record, its fields as JSON has them. */
export type DataRecord = RecordEnvelope

const PAGE = 50

/** Whether the viewer reads as the app: the owner does, unless they want to see what the rules show them. */
export function readsAsApp({ isOwner }: Viewer, { through }: Pick<ListQuery, 'through'>): boolean {
  return isOwner && through === 'app'
}

/** Reads the records of a collection, a page at a time. */
export function useRecords(collection: string, query: ListQuery, asApp: boolean) {
  const input = { ...queryOf(query), limit: PAGE }
  const all = deputy.data.list.useInfiniteQuery(asApp ? { collection, ...input } : skipToken, {
    select: pagesAsJson,
  })
  const visible = collectionHooks(collection).list.useInfiniteQuery(asApp ? skipToken : input, {
    select: pagesAsJson,
  })
  return pagesOf(asApp ? all : visible, ({ records }) => records)
}

interface RecordPlace {
  readonly collection: string
  readonly recordId: string
  readonly asApp: boolean
}

/** Reads a record. @param isKept whether it stays as it was read, while it is edited */
export function useRecord({ collection, recordId, asApp }: RecordPlace, isKept: boolean) {
  const more = {
    select: recordAsJson,
    enabled: ({ state }: { readonly state: { readonly data: unknown } }) =>
      !isKept || state.data === undefined,
  }
  const any = deputy.data.get.useQuery(asApp ? { collection, recordId } : skipToken, more)
  const visible = collectionHooks(collection).get.useQuery(asApp ? skipToken : { recordId }, more)
  return asApp ? any : visible
}

/** Gives a function that reads a record as it is now. */
export function useReadNow({ collection, recordId, asApp }: RecordPlace): () => Promise<DataRecord> {
  const queries = useQueryClient()
  const { get } = collectionHooks(collection)
  return async () =>
    recordAsJson(
      asApp
        ? await queries.fetchQuery({
            ...deputy.data.get.queryOptions({ collection, recordId }),
            staleTime: 0,
          })
        : await queries.fetchQuery({ ...get.queryOptions({ recordId }), staleTime: 0 }),
    )
}

/** Changes a record by the rules of `records`. */
export function useUpdate(collection: string, options: UpdateOptions) {
  return collectionHooks(collection).update.useMutation(options)
}

type UpdateOptions = NonNullable<Parameters<ReturnType<typeof collectionHooks>['update']['useMutation']>[0]>

/** Gives the hooks of a collection that the address names. */
function collectionHooks(collection: string) {
  const hooks = deputy.records[collection]
  if (!hooks) throw new Error('Every name has hooks')
  return hooks
}

function queryOf({ where, orderBy, orderDir }: ListQuery) {
  return {
    ...(where === '' ? {} : { where: parsed(where) }),
    ...(orderBy === '' ? {} : { orderBy }),
    ...(orderDir === '' ? {} : { orderDir: orderDir as 'asc' | 'desc' }),
  }
}

/** Conditions that are no JSON are sent as they are: the server says what is wrong with them. */
function parsed(where: string): object {
  try {
    return JSON.parse(where)
  } catch {
    return where as never
  }
}

function pagesAsJson<TParam>({ pages, pageParams }: InfiniteData<Page<RecordEnvelope>, TParam>) {
  return { pages: pages.map((page) => ({ ...page, records: page.records.map(asJson) })), pageParams }
}

function recordAsJson({ record }: { readonly record: RecordEnvelope }): DataRecord {
  return asJson(record)
}

function asJson(record: RecordEnvelope): DataRecord {
  return { ...record, data: JSON.parse(JSON.stringify(record.data, bigintAsText)) }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
