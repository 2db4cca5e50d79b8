import {
  type InfiniteData,
  type MutationFunctionContext,
  type QueryClient,
  type QueryFunctionContext,
  type QueryKey,
  type SkipToken,
  skipToken,
} from '@tanstack/react-query'
import type { ActionResult } from '../../server/core/result.ts'
import { unwrap } from '../core/index.ts'
import type { Connections } from './connections.ts'
import { type MoreOptions, mutationKeyOf, type Procedure, queryKeyOf } from './keys.ts'
import { liveOptions } from './live-options.ts'
import { isUnknown } from './submissions.ts'

/** Pages as an infinite query has them. */
export type Pages<TPage> = InfiniteData<TPage, string | null>

type ReadFunction = (context: QueryFunctionContext<QueryKey, never>) => Promise<unknown>
type ReadPage = (context: QueryFunctionContext<QueryKey, string | null>) => Promise<unknown>

interface InfiniteOptions<TFunction> {
  readonly initialPageParam: null
  readonly getNextPageParam: (page: unknown) => string | null
  readonly queryKey: QueryKey
  readonly queryFn: TFunction
}

/** Makes the options of queries and mutations of procedures. They work with every query client that is connected. */
export class ProcedureOptions {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** The id of the user whose token was sent last. */
  userId(queryClient: QueryClient): string | undefined {
    return this.#connections.of(queryClient).user.userId
  }

  /** Makes the options of a query. @param input `skipToken` for a query that waits */
  query(
    procedure: Procedure,
    input: unknown,
    more?: MoreOptions,
  ): { readonly queryKey: QueryKey; readonly queryFn: ReadFunction | SkipToken } {
    return input === skipToken
      ? { ...this.awaited(procedure, undefined, more), queryFn: skipToken }
      : this.awaited(procedure, input, more)
  }

  /** Makes the options of a query that has its input. */
  awaited(procedure: Procedure, input: unknown, more?: MoreOptions) {
    const queryFn: ReadFunction = (context) => this.#read(procedure, input, context)
    return { ...more, queryKey: queryKeyOf(procedure, input), queryFn }
  }

  /** Makes the options of a query that reads page after page. @param input `skipToken` for a query that waits */
  infinite(procedure: Procedure, input: unknown, more?: MoreOptions): InfiniteOptions<ReadPage | SkipToken> {
    return input === skipToken
      ? { ...this.awaitedInfinite(procedure, undefined, more), queryFn: skipToken }
      : this.awaitedInfinite(procedure, input, more)
  }

  /** Makes the options of a query that has its input and reads page after page. */
  awaitedInfinite(procedure: Procedure, input: unknown, more?: MoreOptions): InfiniteOptions<ReadPage> {
    const queryFn: ReadPage = (context) => {
      const cursor = context.pageParam === null ? {} : { cursor: context.pageParam }
      return this.#read(procedure, { ...(input as object | undefined), ...cursor }, context)
    }
    return {
      ...more,
      initialPageParam: null,
      getNextPageParam: nextCursorOf,
      queryKey: queryKeyOf(procedure, input, true),
      queryFn,
    }
  }

  /** Makes the options of a live query. @param input `skipToken` for a query that waits */
  live(
    procedure: Procedure,
    input: unknown,
    more?: MoreOptions,
  ): { readonly queryKey: QueryKey; readonly queryFn: ReadFunction | SkipToken } {
    return input === skipToken
      ? { ...liveOptions(this.#connections, procedure, undefined, more), queryFn: skipToken }
      : liveOptions(this.#connections, procedure, input, more)
  }

  /** Makes the options of a live query of an action. @param input `skipToken` for a query that waits */
  liveAction(action: Procedure, input: unknown, more?: MoreOptions) {
    const procedure = { ...action, path: [...action.path, 'live'] }
    if (input === skipToken) return this.live(procedure, input, more)
    const read = action.asResult ? undefined : (answer: unknown) => unwrap(answer as ActionResult<unknown>)
    return liveOptions(this.#connections, procedure, input, more, read)
  }

  /** Makes the options of a mutation. */
  mutation(procedure: Procedure, more: MoreOptions = {}) {
    const mutationFn = (input: unknown, context: MutationFunctionContext) =>
      this.#write(procedure, input, context)
    return { ...more, mutationKey: mutationKeyOf(procedure), mutationFn }
  }

  async #read(
    { path, asResult }: Procedure,
    input: unknown,
    { client, signal }: Pick<QueryFunctionContext, 'client' | 'signal'>,
  ): Promise<unknown> {
    const answer = await this.#connections.of(client).client.query(path.join('.'), input, { signal })
    return asResult ? answer : unwrap(answer as ActionResult<unknown>)
  }

  async #write(procedure: Procedure, input: unknown, context: MutationFunctionContext): Promise<unknown> {
    const { client, submissions, refreshes } = this.#connections.of(context.client)
    const path = procedure.path.join('.')
    const answer = await submissions.submit(procedure, input, async (submissionKey) => {
      try {
        return await client.mutation(path, input, { context: { submissionKey } })
      } catch (error) {
        if (isUnknown(error)) refreshes?.everything()
        throw error
      } finally {
        refreshes?.calls()
        // A mutation is pending until what it wrote was read: nothing that it changed is shown as it was before.
        await refreshes?.settled()
      }
    })
    return procedure.asResult ? answer : unwrap(answer as ActionResult<unknown>)
  }
}

/** The cursor of the next page, of a page or of a result that has one. */
function nextCursorOf(answer: unknown): string | null {
  const page = (answer as { readonly data?: unknown }).data ?? answer
  return (page as { readonly nextCursor?: string | null }).nextCursor ?? null
}
