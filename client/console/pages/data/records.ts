import { useQueries, useQuery } from '@tanstack/react-query'
import { CallFailure, call } from '../../shell/call.ts'
import { usePages } from '../../shell/read.ts'
import { useToken } from '../../shell/session.ts'
import type { Viewer } from '../../shell/viewer.ts'
import type { ListQuery } from './list-address.ts'

/** A record, as the API answers with it. */
export interface DataRecord {
  readonly recordId: string
  readonly data: Readonly<Record<string, unknown>>
  readonly createdBy: string | null
  readonly createdAt: string | null
  readonly updatedAt: string | null
  readonly version: number
  readonly unreadable?: readonly string[]
}

/** What a user sees of a record: its fields; nothing where it is hidden from them. */
export type Seen = DataRecord | 'hidden'

const PAGE = 50

/** Whether the viewer reads as the app: the owner does, unless they want to see what the rules show them. */
export function readsAsApp({ isOwner }: Viewer, { through }: Pick<ListQuery, 'through'>): boolean {
  return isOwner && through === 'app'
}

/** Reads the records of a collection, a page at a time. */
export function useRecords(collection: string, query: ListQuery, asApp: boolean) {
  const { where, orderBy, orderDir } = query
  const chosen = Object.entries({ where, orderBy, orderDir }).filter(([, value]) => value !== '')
  const text = new URLSearchParams([['limit', String(PAGE)], ...chosen])
  const address = asApp
    ? `/api/data?collection=${encodeURIComponent(collection)}&${text}`
    : `/api/records/${encodeURIComponent(collection)}?${text}`
  return usePages<'records', DataRecord>('records', address)
}

/** Writes the address at which one record is read. */
export function addressOfRecord(collection: string, recordId: string, asApp: boolean): string {
  const [name, id] = [collection, recordId].map(encodeURIComponent)
  return asApp ? `/api/data/record?collection=${name}&recordId=${id}` : `/api/records/${name}/${id}`
}

/** An address has no room for more. */
const MAX_IDS_LENGTH = 4_000

/** Reads, as another user, those of these records that they see. Nothing is asked for without a user. */
export function useSeenBy(user: string, collection: string, ids: readonly string[]) {
  const token = useToken()
  return useQueries({
    queries: (user === '' ? [] : partsOf(ids)).map((part) => ({
      queryKey: ['read', 'seen', user, collection, part, token],
      queryFn: () => readSeen(user, collection, part),
    })),
    combine: (parts) => ({
      error: parts.find(({ error }) => error)?.error ?? null,
      /** Has no record that is not known yet. */
      seen: new Map(parts.flatMap(({ data }) => [...(data ?? [])])),
    }),
  })
}

/** Reads a record as another user. */
export function useSeenRecord(user: string, collection: string, recordId: string) {
  const token = useToken()
  return useQuery({
    queryKey: ['read', 'seen', user, collection, recordId, token],
    queryFn: async () => (await readSeen(user, collection, [recordId])).get(recordId) ?? 'hidden',
    enabled: user !== '',
  })
}

async function readSeen(
  user: string,
  collection: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map<string, Seen>(ids.map((id) => [id, 'hidden']))
  const where = encodeURIComponent(JSON.stringify({ recordId: { in: ids } }))
  const headers = { 'Deputy-Act-As': encodeURIComponent(user) }
  let cursor: string | null = ''
  while (cursor !== null) {
    const rest = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const address = `/api/records/${encodeURIComponent(collection)}?limit=${ids.length}&where=${where}${rest}`
    const page: Page = await call<Page>(address, { headers }).then(({ data }) => data, noneIfDenied)
    for (const record of page.records) seen.set(record.recordId, record)
    cursor = page.nextCursor
  }
  return seen
}

interface Page {
  readonly records: readonly DataRecord[]
  readonly nextCursor: string | null
}

/** A role that may read no record of a collection is refused: all of them are hidden. */
function noneIfDenied(error: unknown): Page {
  if (
    error instanceof CallFailure &&
    error.code === 'FORBIDDEN' &&
    / may not read records of /.test(error.message)
  )
    return { records: [], nextCursor: null }
  throw error
}

function partsOf(ids: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = []
  let length = MAX_IDS_LENGTH
  for (const id of ids) {
    length += encodeURIComponent(JSON.stringify(id)).length + 1
    if (length > MAX_IDS_LENGTH || (parts.at(-1)?.length ?? 0) >= PAGE) {
      parts.push([])
      length = 0
    }
    parts.at(-1)?.push(id)
  }
  return parts
}
