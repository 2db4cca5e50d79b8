import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { call } from './call.ts'
import { useToken } from './session.ts'

/** Reads what an address of the API answers, again every `everyMs` while it is shown. @default once */
export function useRead<T>(address: string, everyMs?: number) {
  const token = useToken()
  return useQuery({
    queryKey: ['read', address, token],
    queryFn: async () => (await call<T>(address)).data,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  })
}

/** A page of a list, under the name that the list gives its entries. */
type Listed<TName extends string, TEntry> = Readonly<Record<TName, readonly TEntry[]>> & {
  readonly nextCursor: string | null
}

/** A list, as far as it was read. */
export interface Pages<TEntry> {
  /** Undefined until the first page is there. */
  readonly entries: readonly TEntry[] | undefined
  readonly error: Error | null
  readonly hasMore: boolean
  readonly isReadingMore: boolean
  readMore(): void
}

/**
 * Reads a list, one page after the other as they are asked for.
 *
 * @param address with a query string
 * @param everyMs how often it is read again while its first page alone is shown: what follows would move. @default once
 */
export function usePages<TName extends string, TEntry>(
  name: TName,
  address: string,
  everyMs?: number,
): Pages<TEntry> {
  const token = useToken()
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ['read', address, token],
    queryFn: async ({ pageParam }) =>
      (await call<Listed<TName, TEntry>>(`${address}${cursorOf(pageParam)}`)).data,
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 ? (everyMs ?? false) : false),
  })
  return {
    entries: data?.pages.flatMap((page) => page[name]),
    error,
    hasMore: hasNextPage,
    isReadingMore: isFetchingNextPage,
    readMore: () => void fetchNextPage(),
  }
}

function cursorOf(cursor: string | null): string {
  return cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
}

/** What a press of a button sends. */
export interface Deed {
  readonly address: string
  readonly body: Readonly<Record<string, string>>
}

/** What sends deeds, and knows how the last one went. */
export type Doing = ReturnType<typeof useDeed>

/** Sends what changes something, and reads again what is shown. */
export function useDeed() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ address, body }: Deed) =>
      call(address, { method: 'POST', headers: { 'Idempotency-Key': crypto.randomUUID() }, body }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['read'] }),
  })
}
