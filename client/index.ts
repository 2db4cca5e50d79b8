import {
  createTRPCClient,
  type HTTPBatchLinkOptions,
  httpBatchLink,
  splitLink,
  type TRPCClient,
  type TRPCLink,
} from '@trpc/client'
import { observable } from '@trpc/server/observable'
import type { AppRouter } from '../server/composition.ts'
import type { ActionResult } from '../server/result.ts'
import { DeputyError } from './error.ts'
import { transformer } from './transformer.ts'

export type { AppRouter } from '../server/composition.ts'
export type { ErrorCode } from '../server/errors.ts'
export type { ActionResult, Failure, Issue, Success } from '../server/result.ts'
export { DeputyError, type DeputyErrorOptions } from './error.ts'

export interface ClientOptions {
  /** The server's address, such as `https://api.example.com`. */
  readonly url: string
  /** The user's token, or a function that gets one for every request. @default none */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>)
  /** @default the platform's fetch */
  readonly fetch?: NonNullable<HTTPBatchLinkOptions<AppRouter['_def']['_config']['$types']>['fetch']>
}

/** Typed by the server's router, end to end. */
export type Client = TRPCClient<AppRouter>

/** How many calls the server takes in one request. */
const MAX_BATCH_SIZE = 10
const MAX_URL_LENGTH = 4_000
/** Leaves room for the procedure's path. */
const MAX_INPUT_IN_URL = 3_500

/**
 * Makes a client for the server's actions, `client.actions.createEvent.mutate({ … })`, and for its collections as
 * the user, `client.records.events.query.query({ where: { … } })`.
 */
export function createClient(options: ClientOptions): Client {
  const { token } = options
  const shared = {
    url: `${options.url.replace(/\/+$/, '')}/trpc`,
    transformer,
    maxItems: MAX_BATCH_SIZE,
    ...(options.fetch ? { fetch: options.fetch } : {}),
    headers: async () => {
      const bearer = typeof token === 'function' ? await token() : token
      return bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
    },
  }
  return createTRPCClient<AppRouter>({
    links: [
      keepErrors,
      splitLink({
        condition: ({ type, input }) => type === 'query' && isTooLongForAddress(input),
        true: httpBatchLink({ ...shared, methodOverride: 'POST' }),
        false: httpBatchLink({ ...shared, maxURLLength: MAX_URL_LENGTH }),
      }),
    ],
  })
}

/** A list of ids in a `where` can be longer than any address may be. */
function isTooLongForAddress(input: unknown): boolean {
  return (
    input !== undefined &&
    encodeURIComponent(JSON.stringify(transformer.serialize(input))).length > MAX_INPUT_IN_URL
  )
}

/** Turns a failure that was returned into the error that a gate throws, for code that prefers one channel. */
export function unwrap<T>(result: ActionResult<T>): T {
  if (result.success) return result.data
  throw DeputyError.fromFailure(result)
}

/** Makes every error a DeputyError. */
const keepErrors: TRPCLink<AppRouter> =
  () =>
  ({ op, next }) =>
    observable((observer) =>
      next(op).subscribe({
        next: (value) => observer.next(value),
        error: (error) => observer.error(DeputyError.fromTRPC(error)),
        complete: () => observer.complete(),
      }),
    )
