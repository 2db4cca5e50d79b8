import { ACT_AS_HEADER } from '../auth/actor.ts'
import type { Exchange } from './exchange.ts'

/** What of its address a request is answered by. */
export interface RequestTarget {
  /** Still encoded. */
  readonly pathname: string
  /** With its question mark; empty without parameters. */
  readonly search: string
}

/** An address that every reader takes as it stands. */
const PLAIN = /^\/[\w!$&'()*+,\-./:;=@[\]~]*(?:\?[^#]*)?$/
/** A name or an address of IPv4, and a port that is one without a look at it: up to 59999. */
const PLAIN_HOST = /^[\w.-]+(?::(?:\d{1,4}|[1-5]\d{4}))?$/
const PORT = /:\d+$/
/** What a host may be written with (RFC 3986, 3.2.2): no quote, which would end a header's text. */
const HOST = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d*)?$/i
const ABSOLUTE = /^https?:\/\//
const BACKSLASH_IN_PATH = /^[^?]*\\/
/** A segment of an address that is `.` or `..`, encoded or not. */
const DOT_SEGMENT = /^[^?#]*\/(?:\.|%2e){1,2}(?:[/?#]|$)/i

/** Reads where a request goes; undefined for what is no address, and where `Host` is no host. */
export function readTarget(exchange: Pick<Exchange, 'target' | 'header'>): RequestTarget | undefined {
  const { target } = exchange
  const host = exchange.header('host')
  if (host && !PLAIN_HOST.test(host) && !isHost(host)) return undefined
  // A client that asks through a proxy says all of the address (RFC 9112 §3.2.2).
  if (ABSOLUTE.test(target)) return parse(target)
  if (!PLAIN.test(target)) return target.startsWith('/') ? parse(`http://localhost${target}`) : undefined
  const query = target.indexOf('?')
  return query < 0
    ? { pathname: target, search: '' }
    : { pathname: target.slice(0, query), search: target.slice(query) }
}

/** The host that a request names, whose target was read: that of a whole address goes before `Host` (RFC 9112 §3.2.2). */
export function hostOf(exchange: Pick<Exchange, 'target' | 'header'>): string {
  return ABSOLUTE.test(exchange.target)
    ? new URL(exchange.target).host
    : exchange.header('host') || 'localhost'
}

/** Whether an address leads elsewhere by its dots. */
export function hasDotSegment(target: string): boolean {
  return DOT_SEGMENT.test(target)
}

function parse(address: string): RequestTarget | undefined {
  if (BACKSLASH_IN_PATH.test(address) || !URL.canParse(address)) return undefined
  const { pathname, search } = new URL(address)
  return { pathname, search }
}

function isHost(host: string): boolean {
  if (!HOST.test(host) || !URL.canParse(`http://${host}/`)) return false
  const { hostname } = new URL(`http://${host}/`)
  return hostname.length === host.length || hostname === host.replace(PORT, '').toLowerCase()
}

/** Headers that decide who calls what; given twice, a proxy and we might each read another one. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'content-type',
  'idempotency-key',
  ACT_AS_HEADER,
])
const LENGTHS: ReadonlySet<number> = new Set([...SINGLE_HEADERS].map(({ length }) => length))

/** The name of a header that was given twice; Node would join the values or drop one of them. */
export function repeatedHeader({ rawHeaders }: Pick<Exchange, 'rawHeaders'>): string | undefined {
  let seen: string[] | undefined
  for (let position = 0; position < rawHeaders.length; position += 2) {
    const sent = rawHeaders[position] ?? ''
    if (!LENGTHS.has(sent.length)) continue
    const name = sent.toLowerCase()
    if (!SINGLE_HEADERS.has(name)) continue
    if (seen?.includes(name)) return name
    seen ??= []
    seen.push(name)
  }
  return undefined
}
