import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Of IPv6, only this has been given out as global unicast (RFC 4291, IANA's registry). */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::')
const GLOBAL_UNICAST_BITS = 3

/**
 * Whether an address belongs to the public internet: global unicast that stands for no other address. What
 * embeds an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) is not public, whatever it embeds, and
 * neither is anything that is no address.
 */
export function isPublicAddress(text: string): boolean {
  // Stricter than ipaddr.js, which also reads 0x7f.1; and a zone only makes sense on a link.
  if (isIP(text) === 0 || text.includes('%')) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST, GLOBAL_UNICAST_BITS)
}
