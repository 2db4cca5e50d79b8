import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'

/** A list, as far as it was read. */
export interface Pages<TEntry> {
  /** Undefined until the first page is there. */
  readonly entries: readonly TEntry[] | undefined
  readonly error: Error | null
  readonly hasMore: boolean
  readonly isReadingMore: boolean
  readMore(): void
}

/** Gives a list that is read one page after the other. @param entriesOf takes the entries out of a page */
export function pagesOf<TPage, TEntry>(
  {
    data,
    error,
    hasNextPage,
    isFetchingNextPage,
    fetchNextPage,
  }: UseInfiniteQueryResult<InfiniteData<TPage, unknown>>,
  entriesOf: (page: TPage) => readonly TEntry[],
): Pages<TEntry> {
  return {
    entries: data?.pages.flatMap(entriesOf),
    error,
    hasMore: hasNextPage,
    isReadingMore: isFetchingNextPage,
    readMore: () => void fetchNextPage(),
  }
}
