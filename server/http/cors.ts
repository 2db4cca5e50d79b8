import { ACT_AS_HEADER } from '../auth/actor.ts'
import { createOriginMatcher } from '../auth/origin.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'

/** What a page may always send. */
const HEADERS = [
  'authorization',
  'content-type',
  'idempotency-key',
  ACT_AS_HEADER,
  'deputy-dry-run',
  'deputy-tell-writes',
  'x-request-id',
  'trpc-accept',
]
const METHODS = 'GET,HEAD,POST,PUT,PATCH,DELETE'
const EXPOSED =
  'x-request-id,retry-after,ratelimit,ratelimit-policy,idempotency-replayed,deputy-writes,allow,www-authenticate,etag,content-disposition'
const MAX_AGE_S = 600
/** Names of headers, separated by commas (RFC 9110, 5.6.2). */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/

/** What pages of other origins may call, as the answers say it (Fetch, 3.2). */
export interface Cors {
  /** What an answer to this origin says; nothing for a page that is not let in. Each answer has `Vary: Origin`. */
  headers(origin: string | undefined): Readonly<Record<string, string>>
  /** Answers what a browser asks before a call; undefined for any other request. */
  preflight(exchange: Exchange): HttpAnswer | undefined
}

/**
 * Lets pages of these origins call. Credentials of the browser's own are never allowed: a call is authenticated by its
 * Bearer token, which only a page that was given it can send. For the same reason a page that is let in may send any
 * header that it names: tracing and error reporting add their own (`traceparent`, `baggage`, `sentry-trace`), and none
 * of them grants anything here.
 * @throws {TypeError} for what is no origin.
 */
export function createCors(origins: readonly string[]): Cors {
  const isKnown = createOriginMatcher(origins)
  const headers = (origin: string | undefined): Readonly<Record<string, string>> =>
    origin !== undefined && isKnown(origin)
      ? { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED }
      : {}

  return {
    headers,
    preflight(exchange) {
      if (exchange.method !== 'OPTIONS' || !exchange.header('access-control-request-method')) return undefined
      const origin = exchange.header('origin')
      if (origin === undefined) return undefined
      const asked = exchange.header('access-control-request-headers') ?? ''
      return { status: 204, headers: allowed(origin, asked), body: '' }
    },
  }

  function allowed(origin: string, asked: string): Record<string, string> {
    const vary = 'Origin, Access-Control-Request-Headers'
    if (!isKnown(origin)) return { vary }
    return {
      vary,
      'access-control-allow-origin': origin,
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': allowedHeaders(asked),
      'access-control-max-age': String(MAX_AGE_S),
    }
  }
}

function allowedHeaders(asked: string): string {
  const names = HEADER_NAMES.test(asked) ? asked.toLowerCase().split(/\s*,\s*/) : []
  return [...new Set([...HEADERS, ...names])].join(',')
}
