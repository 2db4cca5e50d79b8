import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Addresses with a common beginning. */
export type AddressRange = readonly [first: ipaddr.IPv4 | ipaddr.IPv6, prefixLength: number]

/** Bits of an IPv6 address that one customer of a provider has to himself. */
const OWN_BITS = 64
const MAPPED_BITS = 96

/** Reads `10.0.0.0/8`, or an address alone; undefined for what is neither, and for a range of everyone. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', length, ...more] = text.split('/')
  const first = parseAddress(address)
  if (!first || more.length > 0) return undefined
  const bits = first.kind() === 'ipv4' ? 32 : 128
  if (length === undefined) return [first, bits]
  if (!/^\d{1,3}$/.test(length)) return undefined
  // `::ffff:10.0.0.0/104` is 10.0.0.0/8.
  const isMapped = isIP(address) === 6 && first.kind() === 'ipv4'
  const prefixLength = Number(length) - (isMapped ? MAPPED_BITS : 0)
  return prefixLength >= 1 && prefixLength <= bits ? [first, prefixLength] : undefined
}

/**
 * The address that a request came from: that of the socket, unless it is a trusted proxy's. Then X-Forwarded-For is
 * read from its end, as far as trusted proxies wrote it; what stands before that is anybody's word.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trusted: readonly AddressRange[],
): string | undefined {
  let client = parsePeer(peer)
  if (!client) return undefined
  const hops = forwardedFor?.split(',') ?? []
  while (isTrusted(client, trusted)) {
    const hop = parseAddress(hops.pop()?.trim() ?? '')
    if (!hop) break
    client = hop
  }
  return client.toString()
}

/** Whether the other end of a socket is a trusted proxy. */
export function isTrustedPeer(peer: string | undefined, trusted: readonly AddressRange[]): boolean {
  const address = parsePeer(peer)
  return address !== undefined && isTrusted(address, trusted)
}

/** A link-local peer comes with its interface: `fe80::1%eth0`. */
function parsePeer(peer: string | undefined) {
  return parseAddress(peer?.split('%')[0] ?? '')
}

/** What calls of one address are counted by: who has an IPv6 address has a whole /64 of them. */
export function addressKey(address: string): string {
  const parsed = parseAddress(address)
  if (!parsed || parsed.kind() === 'ipv4') return address
  return ipaddr.IPv6.networkAddressFromCIDR(`${address}/${OWN_BITS}`).toString()
}

/** Strict where ipaddr.js is not: no octal or short forms, no zones; `::ffff:1.2.3.4` is 1.2.3.4. */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return isIP(text) === 0 || text.includes('%') ? undefined : ipaddr.process(text)
}

function isTrusted(address: ipaddr.IPv4 | ipaddr.IPv6, trusted: readonly AddressRange[]): boolean {
  return trusted.some((range) => address.kind() === range[0].kind() && address.match([...range]))
}
