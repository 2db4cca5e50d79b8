import type { QueryClient, QueryFunctionContext, QueryKey, QueryState } from '@tanstack/react-query'
import type { LiveSubscription } from '../core/live-types.ts'
import type { Connections } from './connections.ts'
import { type MoreOptions, type Procedure, queryKeyOf } from './keys.ts'

/** Makes of an answer what the query has. @throws what its error is, while it is answered so */
type ReadAnswer = (answer: unknown) => unknown

/**
 * Makes the options of a query that goes on: it is answered first as any other, and after each change its answer is set
 * anew. It is open while a component shows it, once for all that do, and opened again when one does again.
 */
export function liveOptions(
  connections: Connections,
  procedure: Procedure,
  input: unknown,
  more: MoreOptions = {},
  read: ReadAnswer = (answer) => answer,
) {
  const queryKey = queryKeyOf(procedure, input)
  const queryFn = ({ client, signal }: Pick<QueryFunctionContext, 'client' | 'signal'>) =>
    open(connections, { client, signal, queryKey, path: procedure.path.join('.'), input, read })
  // It is never stale while it is open.
  return { ...more, staleTime: Number.POSITIVE_INFINITY, queryKey, queryFn }
}

interface Opening {
  readonly client: QueryClient
  readonly signal: AbortSignal
  readonly queryKey: QueryKey
  readonly path: string
  readonly input: unknown
  readonly read: ReadAnswer
}

/** Opens a subscription, and gives its first answer. @throws {DeputyError} where the server refuses it. */
function open(
  connections: Connections,
  { client, signal, queryKey, path, input, read }: Opening,
): Promise<unknown> {
  const cache = client.getQueryCache()
  const query = cache.find({ queryKey, exact: true })
  return new Promise((resolve, reject) => {
    let isAnswered = false
    let subscription: LiveSubscription | undefined
    const { client: calls, interruptions } = connections.of(client)
    const close = () => {
      interruptions.end(close)
      unwatch()
      subscription?.unsubscribe()
    }
    const unwatch = cache.subscribe((event) => {
      if (event.query !== query) return
      const isLeft = event.type === 'observerRemoved' && query?.getObserversCount() === 0
      const isReopened = isAnswered && event.type === 'updated' && event.action.type === 'fetch'
      if (!isLeft && !isReopened && event.type !== 'removed') return
      close()
      // What is shown again is opened again.
      if (isLeft) void client.invalidateQueries({ queryKey, exact: true, refetchType: 'none' })
    })
    signal.addEventListener('abort', close)
    subscription = calls.subscription(path, input, {
      onConnectionStateChange: ({ state, error }) => {
        if (state === 'connecting' && error) interruptions.begin(close)
        else interruptions.end(close)
      },
      onData: (answer) => {
        const first = !isAnswered
        isAnswered = true
        try {
          const data = read(answer)
          if (first) resolve(data)
          else client.setQueryData(queryKey, data)
        } catch (error) {
          if (first) reject(error)
          else query?.setState(failedState(query.state, error))
        }
      },
      onError: (error) => {
        close()
        // Asked for again it is refused again, and the query has its error.
        if (isAnswered) void client.invalidateQueries({ queryKey, exact: true })
        reject(error)
      },
    })
  })
}

/** The state of a query whose answer is an error by now, and was read a moment before. */
function failedState<TState extends QueryState>(state: TState, error: unknown): Partial<TState> {
  return {
    ...state,
    status: 'error',
    error,
    errorUpdateCount: state.errorUpdateCount + 1,
    errorUpdatedAt: Date.now(),
  }
}
