import { LRUCache } from 'lru-cache'
import type { UserActor } from '../auth/actor.ts'
import { readBearer } from '../auth/authentication.ts'
import { type AddressRange, clientAddress } from '../auth/client-address.ts'
import { uuidv7 } from '../core/uuid.ts'
import type { Engine } from '../invocation/engine.ts'
import { createRequestContext, type RequestContext } from '../trpc/context.ts'
import type { Exchange } from './exchange.ts'
import { createRateLimit } from './rate-limit.ts'

/** Asks for a dry run of the actions that a request calls. */
export const DRY_RUN_HEADER = 'deputy-dry-run'
const MAX_KNOWN_PEERS = 1_000
const REQUEST_ID = /^[\w.:-]{1,64}$/

export interface RequestContextsOptions {
  readonly engine: Engine
  readonly trustedProxies: readonly AddressRange[]
  readonly clientRateLimit: number | 'none'
}

export type RequestContexts = (
  exchange: Exchange,
  transport: 'rest' | 'trpc',
  requestId: string,
) => RequestContext

/** Gives each request its context, before anything of it is called. */
export function createRequestContexts(options: RequestContextsOptions): RequestContexts {
  const { engine, trustedProxies } = options
  const countCall = createRateLimit({ callsPerMinute: options.clientRateLimit, clock: engine.clock })
  const addressOf = createAddressOf(trustedProxies)
  return (exchange, transport, requestId) => {
    const ip = addressOf(exchange)
    const authorization = exchange.header('authorization')
    return createRequestContext(engine, {
      authorization,
      actor: recall(engine, authorization),
      requestId,
      transport,
      ip,
      countCall: () => countCall(ip),
      dryRun: exchange.header(DRY_RUN_HEADER),
      idempotency: idempotencyOf(transport, exchange.header('idempotency-key')),
    })
  }
}

/** The caller whose token was verified a short while ago. */
function recall({ verifier }: Engine, authorization: string | undefined): UserActor | undefined {
  const bearer = readBearer(authorization)
  return bearer.kind === 'token' ? verifier.recall(bearer.token) : undefined
}

/** The address that a request came from. That of a socket which no one speaks for is read once. */
function createAddressOf(trustedProxies: readonly AddressRange[]) {
  const known = new LRUCache<string, string>({ max: MAX_KNOWN_PEERS })
  return (exchange: Exchange) => {
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
function idempotencyOf(transport: 'rest' | 'trpc', key: string | undefined) {
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
