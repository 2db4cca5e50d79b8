import { MCP_PATH, RESOURCE_METADATA } from './engine-addresses.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import { hostOf } from './request-head.ts'
import { jsonHeaders } from './respond.ts'

export interface ResourceMetadataOptions {
  /** The public address of `/mcp`. @default what a request says in `Host` */
  readonly url: string | undefined
  /** Who gives tokens; named where it is an address. */
  readonly issuer: string | undefined
}

/** Tells clients of agents where their users sign in (RFC 9728). */
export interface ResourceMetadata {
  /** Answers at its addresses; undefined for all others. */
  answer(
    exchange: Pick<Exchange, 'method' | 'target' | 'header'>,
    pathname: string,
    requestId: string,
  ): HttpAnswer | undefined
  /** What `WWW-Authenticate` says to who has no token (RFC 9728, 5.1). */
  challenge(exchange: Pick<Exchange, 'target' | 'header'>): string
  /** Whether an origin is where `/mcp` is itself. Without its address in the settings only one of this machine is. */
  isOrigin(exchange: Pick<Exchange, 'target' | 'header'>, origin: string): boolean
}

/** A page under any other name may have been led here by it (DNS rebinding). */
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Makes the metadata of `/mcp` as a resource, whose name tokens have as their audience (RFC 8707). */
export function createResourceMetadata({ url, issuer }: ResourceMetadataOptions): ResourceMetadata {
  const resourceOf = (exchange: Pick<Exchange, 'target' | 'header'>) =>
    new URL(url ?? `http://${hostOf(exchange)}${MCP_PATH}`)
  const paths = new Set([RESOURCE_METADATA, RESOURCE_METADATA + MCP_PATH])
  if (url !== undefined) paths.add(RESOURCE_METADATA + new URL(url).pathname)
  const servers = issuer !== undefined && /^https?:\/\//.test(issuer) ? [issuer] : undefined
  return {
    answer(exchange, pathname, requestId) {
      if (!paths.has(pathname)) return undefined
      const headers = jsonHeaders(requestId)
      if (exchange.method !== 'GET' && exchange.method !== 'HEAD')
        return { status: 405, headers: { ...headers, allow: 'GET' }, body: '{}' }
      const body = {
        resource: resourceOf(exchange).href,
        ...(servers ? { authorization_servers: servers } : {}),
        bearer_methods_supported: ['header'],
      }
      return { status: 200, headers, body: JSON.stringify(body) }
    },
    challenge(exchange) {
      const { origin, pathname } = resourceOf(exchange)
      return `Bearer resource_metadata="${origin}${RESOURCE_METADATA}${pathname}"`
    },
    isOrigin(exchange, origin) {
      const own = resourceOf(exchange)
      return own.origin === origin && (url !== undefined || LOOPBACK.has(own.hostname))
    },
  }
}
