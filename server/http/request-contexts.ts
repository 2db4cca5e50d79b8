import { LRUCache } from 'lru-cache'
import { uuidv7 } from 'uuidv7'
import type { UserActor } from '../auth/actor.ts'
import { type AddressRange, clientAddress } from '../auth/client-address.ts'
import type { Engine } from '../invocation/engine.ts'
import { createRequestContext, type RequestContext } from '../trpc/context.ts'
import { readIdempotencyKeys } from './idempotency-header.ts'
import { createRateLimit } from './rate-limit.ts'

const MAX_KNOWN_PEERS = 1_000
const REQUEST_ID = /^[\w.:-]{1,64}$/

export interface RequestContextsOptions {
  readonly engine: Engine
  readonly trustedProxies: readonly AddressRange[]
  readonly clientRateLimit: number | 'none'
}

/** What is known of a request before anything of it is called. */
export interface RequestFacts {
  readonly transport: 'rest' | 'trpc'
  readonly requestId: string
  readonly authorization: string | undefined
  /** The caller, where the header was verified already. */
  readonly actor?: UserActor
  readonly idempotencyKey: string | undefined
  /** The address of the socket. */
  readonly peer: string | undefined
  readonly forwardedFor: string | undefined
}

export type RequestContexts = (facts: RequestFacts) => RequestContext

/** Gives each request its context. */
export function createRequestContexts(options: RequestContextsOptions): RequestContexts {
  const { engine, trustedProxies } = options
  const countCall = createRateLimit({ callsPerMinute: options.clientRateLimit, clock: engine.clock })
  const addressOf = createAddressOf(trustedProxies)
  return ({ idempotencyKey: key, ...facts }) => {
    const ip = addressOf(facts)
    return createRequestContext(engine, {
      authorization: facts.authorization,
      actor: facts.actor,
      requestId: facts.requestId,
      transport: facts.transport,
      ip,
      countCall: () => countCall(ip),
      idempotency: idempotencyOf(facts.transport, key),
    })
  }
}

/** The address that a request came from. That of a socket which nobody speaks for is read once. */
function createAddressOf(trustedProxies: readonly AddressRange[]) {
  const known = new LRUCache<string, string>({ max: MAX_KNOWN_PEERS })
  return ({ peer, forwardedFor }: Pick<RequestFacts, 'peer' | 'forwardedFor'>) => {
    if (trustedProxies.length > 0 || peer === undefined)
      return clientAddress(peer, forwardedFor, trustedProxies)
    const address = known.get(peer) ?? clientAddress(peer, undefined, trustedProxies)
    if (address !== undefined) known.set(peer, address)
    return address
  }
}

/** The id that a request came with, if it may be one; else a new one. */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && REQUEST_ID.test(given) ? given : uuidv7()
}

/** A REST request is one call, and its key may hold no comma; a batch has a slot for each of its calls. */
function idempotencyOf(transport: RequestFacts['transport'], key: string | undefined) {
  if (transport === 'trpc') return readIdempotencyKeys(key)
  return key === undefined ? [] : [key]
}
