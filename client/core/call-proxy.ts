// In place of tRPC's own client, which would bring its subscriptions into every bundle: those of Deputy's are loaded with
// the first one.
import { type Operation, type OperationLink, TRPCClientError, type TRPCLink } from '@trpc/client'
import type { ClientCallOptions } from './client-types.ts'
import { toDeputyError } from './convert-error.ts'
import { fetchReportOf } from './fetch-report.ts'
import type { LiveHandlers, LiveSubscription } from './live-types.ts'
import { noteRequestId } from './request-ids.ts'
import type { DeputyServer } from './server-types.ts'

type Next = Parameters<OperationLink<DeputyServer>>[0]['next']
/** Calls a procedure by its path. @throws {DeputyError} */
type Send = (path: string, input?: unknown, options?: ClientCallOptions) => Promise<unknown>

/** By which tRPC's packages, such as those for React, find the functions that call a path. */
const UNTYPED_CLIENT = Symbol.for('trpc_untypedClient')

/** Begins a subscription. */
export type BeginLive = (
  path: string,
  input: unknown,
  handlers: LiveHandlers<unknown> | undefined,
) => LiveSubscription

/** Makes a client over links: `client.actions.createEvent.mutate(input, options)`. Every error is a DeputyError. */
export function createCallProxy(links: readonly TRPCLink<DeputyServer>[], subscription: BeginLive): unknown {
  const first = links
    .map((link) => link({}))
    .reduceRight<Next>((next, link) => (op) => link({ op, next }), noLink)
  let calls = 0
  const sendAs =
    (type: 'query' | 'mutation'): Send =>
    (path, input, { context = {}, signal } = {}) => {
      calls += 1
      return send(first, { id: calls, type, path, input, context: { ...context }, signal })
    }
  return proxyAt([], { query: sendAs('query'), mutation: sendAs('mutation'), subscription })
}

/** A client that calls procedures by their paths. */
export interface UntypedClient {
  readonly query: Send
  readonly mutation: Send
  readonly subscription: BeginLive
}

/** Gives the functions that call a path, of a client that `createClient` made. */
export function untypedClient(client: unknown): UntypedClient {
  return (client as { readonly [UNTYPED_CLIENT]: UntypedClient })[UNTYPED_CLIENT]
}

function send(first: Next, op: Operation): Promise<unknown> {
  return new Promise<unknown>((resolve, reject) => {
    first(op).subscribe({
      next: ({ result, context }) => {
        const answer = 'data' in result ? result.data : undefined
        noteRequestId(answer, fetchReportOf(context)?.requestId)
        resolve(answer)
      },
      error: reject,
    })
  }).catch((thrown: unknown) => {
    throw toDeputyError(TRPCClientError.from(thrown instanceof Error ? thrown : new Error(String(thrown))))
  })
}

function noLink(): never {
  throw new Error('The last link passes a call on')
}

/** Every path there may be: which ones there are, the server knows. */
function proxyAt(path: readonly string[], client: UntypedClient): unknown {
  return new Proxy(() => {}, {
    get(_target, name) {
      if (name === UNTYPED_CLIENT) return client
      // With a `then` it would be taken for a promise.
      return typeof name === 'string' && name !== 'then' ? proxyAt([...path, name], client) : undefined
    },
    apply(_target, _this, [input, options]: [unknown, (ClientCallOptions & LiveHandlers<unknown>)?]) {
      const procedure = path.slice(0, -1).join('.')
      const verb = path.at(-1)
      if (verb === 'query') return client.query(procedure, input, options)
      if (verb === 'mutate') return client.mutation(procedure, input, options)
      if (verb === 'subscribe') return client.subscription(procedure, input, options)
      throw new TypeError(`"${path.join('.')}" is no call: a procedure has query, mutate or subscribe`)
    },
  })
}
