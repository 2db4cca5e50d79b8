import type { Query, QueryClient, QueryKey } from '@tanstack/react-query'
import { ANYTHING_WRITTEN, type WrittenRecord } from '../core/written.ts'

const RECORDS = 'records'
const ACTIONS = 'actions'
const ONE_RECORD: readonly unknown[] = ['get', 'liveRecord']
const LIVE: readonly unknown[] = ['live', 'liveRecord']
/** How long a mutation waits for live queries to show what it wrote. */
const LIVE_WAIT_MS = 500

/**
 * Reads again what mutations wrote: the lists and records that the server names, and the queries of anything else, of
 * which no one knows what they read. What no component shows is read again once one does.
 */
export class Refreshes {
  readonly #queryClient: QueryClient
  readonly #name: string
  #running: Promise<unknown> = Promise.resolve()

  constructor(queryClient: QueryClient, name: string) {
    this.#queryClient = queryClient
    this.#name = name
  }

  /** Reads lists and records again that were written. Live queries are shown them by themselves, and waited for. */
  written(written: readonly WrittenRecord[]): void {
    const live = this.#queryClient.getQueryCache().findAll({
      type: 'active',
      predicate: ({ queryKey }) => this.#isOurs(queryKey) && isLive(queryKey) && isWritten(queryKey, written),
    })
    this.#running = Promise.all([this.#running, ...live.map((query) => this.#nextAnswer(query))])
    this.#refresh(
      ({ queryKey }) => this.#isOurs(queryKey) && !isLive(queryKey) && isWritten(queryKey, written),
    )
  }

  /** Reads again what is no list and no record. */
  calls(): void {
    this.#refresh(({ queryKey }) => this.#isOurs(queryKey) && queryKey[1] !== RECORDS && !isLive(queryKey))
  }

  /** Reads everything again: for a mutation of which no one knows what came of it. */
  everything(): void {
    this.written(ANYTHING_WRITTEN)
    this.calls()
  }

  /** Settles when what is being read again was read, or could not be. */
  async settled(): Promise<void> {
    await this.#running
  }

  #isOurs(queryKey: QueryKey): boolean {
    return queryKey[0] === this.#name
  }

  #refresh(predicate: (query: Query) => boolean): void {
    const loading = this.#queryClient
      .getQueryCache()
      .findAll({ predicate, fetchStatus: 'fetching' })
      .filter(({ state }) => state.data === undefined)
    const refreshing = this.#queryClient.invalidateQueries({ predicate })
    this.#running = Promise.all([
      this.#running,
      refreshing,
      ...loading.map((query) => this.#readAgain(query)),
    ])
  }

  /** Settles with the next answer of a live query, or soon: it may have had that already, and then there is none. */
  #nextAnswer(query: Query): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        unwatch()
        resolve()
      }
      const timer = setTimeout(end, LIVE_WAIT_MS)
      const unwatch = this.#queryClient.getQueryCache().subscribe((event) => {
        if (event.query === query && event.type === 'updated' && event.action.type === 'success') end()
      })
    })
  }

  /** Its first read may have begun before the write, and is not begun again while it is under way. */
  async #readAgain(query: Query): Promise<void> {
    await query.promise?.catch(() => undefined)
    await this.#queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true })
  }
}

function isLive([, group, , verb]: QueryKey): boolean {
  return (group === RECORDS && LIVE.includes(verb)) || (group === ACTIONS && verb === 'live')
}

function isWritten(
  [, group, ofCollection, verb, input]: QueryKey,
  written: readonly WrittenRecord[],
): boolean {
  if (group !== RECORDS) return false
  return written.some(({ collection, recordId }) => {
    if (collection === undefined) return true
    if (collection !== ofCollection) return false
    return recordId === undefined || !ONE_RECORD.includes(verb) || recordIdOf(input) === recordId
  })
}

function recordIdOf(input: unknown): unknown {
  return typeof input === 'object' && input !== null && 'recordId' in input ? input.recordId : undefined
}
