import { useQueries, useQuery } from '@tanstack/react-query'
import { DeputyError } from '../../../core/index.ts'
import { call, isWorthRetry } from '../../shell/call.ts'

/** What a user sees of a record: its fields; nothing where it is hidden from them. */
export type Seen = SeenRecord | 'hidden'

interface SeenRecord {
  readonly recordId: string
  readonly data: Readonly<Record<string, unknown>>
}

/** What the keys of all these queries begin with. */
export const SEEN_KEY = ['seen']

const MAX_IDS = 50
/** An address has no room for more. */
const MAX_IDS_LENGTH = 4_000

/** Reads, as another user, those of these records that they see. Nothing is asked for without a user. */
export function useSeenBy(user: string, collection: string, ids: readonly string[]) {
  return useQueries({
    queries: (user === '' ? [] : partsOf(ids)).map((part) => ({
      queryKey: [...SEEN_KEY, user, collection, part],
      queryFn: () => readSeen(user, collection, part),
      retry: isWorthRetry,
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
  return useQuery({
    queryKey: [...SEEN_KEY, user, collection, recordId],
    queryFn: async () => (await readSeen(user, collection, [recordId])).get(recordId) ?? 'hidden',
    retry: isWorthRetry,
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
  readonly records: readonly SeenRecord[]
  readonly nextCursor: string | null
}

/** A role that may read no record of a collection is refused: all of them are hidden. */
function noneIfDenied(error: unknown): Page {
  if (
    error instanceof DeputyError &&
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
    if (length > MAX_IDS_LENGTH || (parts.at(-1)?.length ?? 0) >= MAX_IDS) {
      parts.push([])
      length = 0
    }
    parts.at(-1)?.push(id)
  }
  return parts
}
