import { LRUCache } from 'lru-cache'
import { ACT_AS_HEADER, type UserActor } from '../auth/actor.ts'
import { readBearer } from '../auth/authentication.ts'
import { type AddressRange, clientAddress, isTrustedPeer } from '../auth/client-address.ts'
import type { Verifier } from '../auth/verifier.ts'
import { uuidv7 } from '../core/uuid.ts'
import type { Engine } from '../invocation/engine.ts'
import type { RemoteTrace } from '../invocation/tracing.ts'
import { createRequestContext, type RequestContext } from '../trpc/context.ts'
import type { Endpoint } from './endpoint.ts'
import type { Exchange } from './exchange.ts'

/** Asks for a dry run of the actions that a request calls. */
export const DRY_RUN_HEADER = 'deputy-dry-run'
/** Asks to be told what the calls of a request wrote. */
const TELL_WRITES_HEADER = 'deputy-tell-writes'
const MAX_KNOWN_PEERS = 1_000
const REQUEST_ID = /^[\w.:-]{1,64}$/

export interface RequestContextsOptions {
  readonly engine: Engine
  readonly trustedProxies: readonly AddressRange[]
  /** Says whose the tokens of agents are, where those are for `/mcp` alone. @default the verifier of the app */
  readonly agentVerifier?: Verifier | undefined
}

export type RequestContexts = (
  exchange: Exchange,
  transport: Endpoint['transport'],
  requestId: string,
) => RequestContext

/** Gives each request its context, before anything of it is called. */
export function createRequestContexts(options: RequestContextsOptions): RequestContexts {
  const { engine, trustedProxies, agentVerifier } = options
  const addressOf = createAddressOf(trustedProxies)
  return (exchange, transport, requestId) => {
    const ip = addressOf(exchange)
    const authorization = exchange.header('authorization')
    const verifier = (transport === 'mcp' && agentVerifier) || engine.verifier
    return createRequestContext(engine, {
      authorization,
      verifier,
      actor: recall(verifier, authorization),
      actAs: exchange.header(ACT_AS_HEADER),
      requestId,
      transport,
      ip,
      isGone: () => exchange.isGone,
      dryRun: exchange.header(DRY_RUN_HEADER),
      tellsWrites: exchange.header(TELL_WRITES_HEADER),
      remoteTrace: engine.tracing && remoteTraceOf(exchange, trustedProxies),
      idempotency: idempotencyOf(transport, exchange.header('idempotency-key')),
    })
  }
}

/** What a request says it is a part of. Its `tracestate` and `baggage` are not read: they are anybody's word. */
function remoteTraceOf(exchange: Exchange, trustedProxies: readonly AddressRange[]): RemoteTrace | undefined {
  const traceparent = exchange.header('traceparent')
  if (traceparent === undefined) return undefined
  return { traceparent, isTrusted: isTrustedPeer(exchange.peer, trustedProxies) }
}

/** The caller whose token was verified a short while ago. */
function recall(verifier: Verifier, authorization: string | undefined): UserActor | undefined {
  const bearer = readBearer(authorization)
  return bearer.kind === 'token' ? verifier.recall(bearer.token) : undefined
}

/** The address that a request came from. That of a socket which no one speaks for is read once. */
export function createAddressOf(
  trustedProxies: readonly AddressRange[],
): (exchange: Exchange) => string | undefined {
  const known = new LRUCache<string, string>({ max: MAX_KNOWN_PEERS })
  return (exchange) => {
    const { peer } = exchange
    if (trustedProxies.length > 0 || peer === undefined)
      return clientAddress(peer, exchange.header('x-forwarded-for'), trustedProxies)
    const before = known.get(peer)
    if (before !== undefined) return before
    const address = clientAddress(peer, undefined, trustedProxies)
    if (address !== undefined) known.set(peer, address)
    return address
  }
}

/** The id that a request came with, if it may be one; else a new one. */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && REQUEST_ID.test(given) ? given : uuidv7()
}

/** A REST request is one call, and its key may hold no comma; a batch has a slot for each of its calls. */
function idempotencyOf(transport: Endpoint['transport'], key: string | undefined) {
  // An agent says it beside each call.
  if (transport === 'mcp') return []
  if (transport === 'trpc') return readIdempotencyKeys(key)
  return key === undefined ? [] : [key]
}

/** Reads `Idempotency-Key` for the calls of one request: a slot per call, in order, empty for none. */
function readIdempotencyKeys(header: string | undefined): readonly (string | undefined)[] {
  if (header === undefined) return []
  return header.split(',').map((slot) => {
    const key = slot.trim()
    return key === '' ? undefined : key
  })
}
