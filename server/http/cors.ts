import type { Context, MiddlewareHandler } from 'hono'
import { createOriginMatcher } from '../auth/origin.ts'

/** What a page may always send. */
const HEADERS = ['authorization', 'content-type', 'idempotency-key', 'x-request-id', 'trpc-accept']
const METHODS = 'GET,HEAD,POST,PUT,PATCH,DELETE'
const EXPOSED =
  'x-request-id,retry-after,idempotency-replayed,allow,www-authenticate,etag,content-disposition'
const MAX_AGE_S = 600
/** Names of headers, separated by commas (RFC 9110, 5.6.2). */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/

/** What pages of other origins may call, as the answers say it (Fetch, 3.2). */
export interface Cors {
  /** What an answer to this origin says; nothing for a page that is not let in. Each answer has `Vary: Origin`. */
  headers(origin: string | undefined): Readonly<Record<string, string>>
  /** Answers questions before a call, and adds the headers to every other answer. */
  readonly middleware: MiddlewareHandler
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

  function preflight(c: Context, origin: string): Response {
    const answer = new Headers({ vary: 'Origin, Access-Control-Request-Headers' })
    if (isKnown(origin)) {
      answer.set('access-control-allow-origin', origin)
      answer.set('access-control-allow-methods', METHODS)
      answer.set(
        'access-control-allow-headers',
        allowedHeaders(c.req.header('access-control-request-headers') ?? ''),
      )
      answer.set('access-control-max-age', String(MAX_AGE_S))
    }
    return new Response(null, { status: 204, headers: answer })
  }

  return {
    headers,
    async middleware(c, next) {
      const origin = c.req.header('origin')
      const isPreflight = c.req.method === 'OPTIONS' && c.req.header('access-control-request-method')
      if (origin !== undefined && isPreflight) return preflight(c, origin)
      await next()
      for (const [name, value] of Object.entries(headers(origin))) {
        // A route of the app's may expose headers of its own.
        c.header(name, value, { append: name === 'access-control-expose-headers' })
      }
      c.header('vary', 'Origin', { append: true })
      return undefined
    },
  }
}

function allowedHeaders(asked: string): string {
  const names = HEADER_NAMES.test(asked) ? asked.toLowerCase().split(/\s*,\s*/) : []
  return [...new Set([...HEADERS, ...names])].join(',')
}
