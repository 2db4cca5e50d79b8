import { httpBatchLink, type Operation, splitLink, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import type { ActionResult } from '../../server/core/result.ts'
import { type RetryOptions, retryLimits } from './backoff.ts'
import { createCallProxy } from './call-proxy.ts'
import type { ClientFetch } from './client-fetch.ts'
import type { Client } from './client-types.ts'
import { toTRPCError } from './convert-error.ts'
import { DeputyError } from './error.ts'
import { ASKS_FOR_WRITTEN, withFetchReport } from './fetch-report.ts'
import { idempotencyHeader, idempotencyKeys } from './idempotency-key.ts'
import type { LiveHandlers, LiveSubscription } from './live-types.ts'
import { retryLink } from './retry-link.ts'
import type { AnyDeputyRouter } from './router-types.ts'
import { runtimeProblem } from './runtime.ts'
import type { DeputyServer, TRPCServerRouter } from './server-types.ts'
import { transformer } from './transformer.ts'
import type { WrittenRecord } from './written.ts'

export type { ErrorCode } from '../../server/core/errors.ts'
export type { LivePage, Page, RecordEnvelope } from '../../server/core/record.ts'
export type { ActionResult, Failure, Issue, IssueCode, JsonValue, Success } from '../../server/core/result.ts'
export type {
  Omissible,
  TypedMutation,
  TypedQuery,
  TypedSubscription,
} from '../../server/core/typed-procedures.ts'
export type { CallerTypes, CollectionProcedures } from '../../server/tools/collection-procedures.ts'
export type { QueryOptions } from '../../server/tools/where-types.ts'
export type { RetryOptions } from './backoff.ts'
export type { ClientFetch, ClientRequest, ClientResponse } from './client-fetch.ts'
export type { Client, ClientCallOptions } from './client-types.ts'
export { DeputyError, type DeputyErrorOptions } from './error.ts'
export type { LiveHandlers, LiveState, LiveSubscription } from './live-types.ts'
export type { AnyDeputyRouter, DeclaredRouter } from './router-types.ts'
export type { WrittenRecord } from './written.ts'

export interface ClientOptions {
  /** The server's address, such as `https://api.example.com`. */
  readonly url: string
  /** The user's token, or a function that gets one for every request. @default none */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>)
  /** The user as whom the app's owner calls, whose token it is: their id. @default the token's user calls */
  readonly actAs?: string
  /** @default the platform's fetch */
  readonly fetch?: ClientFetch
  /**
   * How a call is sent again after a failure that may pass: no answer, HTTP 408, 429 or 5xx, or an earlier sending of
   * the same call that is still running. `false` for never. @default three times within 30 s
   */
  readonly retries?: RetryOptions | false
  /**
   * Whether calls that are made together travel in one request, which is answered when all of them are. `false` for a
   * request for each.
   * @default true
   */
  readonly batch?: boolean
  /**
   * Is told, when the answer to a mutation comes, what it wrote that the user may read, so that it can be read again. Not
   * called where nothing was written.
   * @default the server is not asked
   */
  readonly onWritten?: (written: readonly WrittenRecord[]) => void
}

/** How many calls the server takes in one request. */
const MAX_BATCH_SIZE = 10
/** The characters that fetch takes in a header; for others it throws as if no answer came. */
const IN_HEADER = /^[\t\x20-\x7e\x80-\xff]*$/
const MAX_URL_LENGTH = 4_000
/** Less than the URL's length: the procedure's path needs room. */
const MAX_INPUT_IN_URL = 3_500

/**
 * Makes a client for an app's actions, typed by its router, `createClient<AppRouter>({ url })`:
 * `client.actions.createEvent.mutate({ … })`, and for its collections as the user,
 * `client.records.events.list.query({ where: { … } })`.
 *
 * Every mutation goes out with an idempotency key, a fresh one or the caller's own, and is sent again with the same
 * one: `client.actions.createEvent.mutate(input, { context: { idempotencyKey: 'order-17' } })`.
 *
 * `client.records.events.live.subscribe({ limit: 20 }, { onData: show })` gives a page, and again after each change.
 * @throws {RangeError} for a value in `retries` that is no count or no number of milliseconds.
 */
export function createClient<TRouter extends AnyDeputyRouter>(options: ClientOptions): Client<TRouter> {
  const { token, actAs, batch = true, onWritten } = options
  const url = `${options.url.replace(/\/+$/, '')}/trpc`
  const authorization = async (): Promise<Record<string, string>> => {
    const bearer = typeof token === 'function' ? await token() : token
    if (bearer !== undefined && !IN_HEADER.test(bearer)) {
      throw new DeputyError('The token has characters that no header can hold, such as a line break.')
    }
    return {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(actAs === undefined ? {} : { 'deputy-act-as': encodeURIComponent(actAs) }),
    }
  }
  const shared = {
    url,
    transformer,
    maxItems: batch ? MAX_BATCH_SIZE : 1,
    fetch: withFetchReport(options.fetch, onWritten),
    headers: async ({ opList }: { opList: readonly Operation[] }): Promise<Record<string, string>> => {
      const authorized = await authorization()
      const asking = onWritten && opList[0]?.type === 'mutation' ? { [ASKS_FOR_WRITTEN]: 'true' } : {}
      return {
        ...authorized,
        ...asking,
        ...idempotencyHeader(opList, authorized.authorization !== undefined),
      }
    },
  }
  // A link knows a router's transformer and errors, which are the same for every Deputy server.
  const batches: TRPCLink<TRPCServerRouter> = splitLink({
    condition: ({ type, input }) => type === 'query' && isTooLongForAddress(input),
    true: httpBatchLink<TRPCServerRouter>({ ...shared, methodOverride: 'POST' }),
    false: httpBatchLink<TRPCServerRouter>({ ...shared, maxURLLength: MAX_URL_LENGTH }),
  })
  const client = createCallProxy(
    [
      checkRuntime(options.fetch !== undefined),
      idempotencyKeys,
      retryLink(retryLimits(options.retries)),
      batches as unknown as TRPCLink<DeputyServer>,
    ],
    (path, input, handlers = {}) =>
      subscribe({ url, fetch: options.fetch, authorization }, path, input, handlers),
  )
  return client as Client<TRouter> // Each procedure is called as its own type says.
}

/** Whether an input is too long for a URL, such as a `where` with many ids. */
function isTooLongForAddress(input: unknown): boolean {
  return (
    input !== undefined &&
    encodeURIComponent(JSON.stringify(transformer.serialize(input))).length > MAX_INPUT_IN_URL
  )
}

/** Returns the data of a success, and throws a failure as a DeputyError. */
export function unwrap<T>(result: ActionResult<T>): T {
  if (result.success) return result.data
  throw DeputyError.fromFailure(result)
}

/** Begins a subscription, whose code is loaded with the first one. */
function subscribe(
  source: {
    readonly url: string
    readonly fetch: ClientFetch | undefined
    readonly authorization: () => Promise<Record<string, string>>
  },
  path: string,
  input: unknown,
  handlers: LiveHandlers<unknown>,
): LiveSubscription {
  const ended = new AbortController()
  const end = () => ended.abort()
  handlers.signal?.addEventListener('abort', end, { once: true })
  if (handlers.signal?.aborted) end()
  const begin = async () => {
    const problem = runtimeProblem(source.fetch !== undefined)
    if (problem) {
      handlers.onError?.(problem)
      return
    }
    const { keepOpen } = await import('./live.ts')
    const fetched = source.fetch ?? ((url, init) => fetch(url, init as RequestInit))
    await keepOpen(
      { url: source.url, fetch: fetched, headers: source.authorization },
      { path, input, handlers, signal: ended.signal },
    )
  }
  void begin().finally(() => handlers.signal?.removeEventListener('abort', end))
  return { unsubscribe: end }
}

/** Fails a call that this runtime cannot send, with an error that names what is missing. */
function checkRuntime(hasOwnFetch: boolean): TRPCLink<DeputyServer> {
  return () =>
    ({ op, next }) =>
      observable((observer) => {
        const problem = runtimeProblem(hasOwnFetch)
        if (!problem) return next(op).subscribe(observer)
        observer.error(toTRPCError(problem))
        return undefined
      })
}
