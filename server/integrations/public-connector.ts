import { lookup as lookupInSystem } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { buildConnector } from 'undici'

/** Finds all addresses of a host name. */
export type LookUp = (hostname: string) => Promise<readonly string[]>

export interface ConnectorOptions {
  /** `host:port` of targets that may have private addresses. */
  readonly allowPrivate: readonly string[]
  readonly lookup: LookUp
}

/** Thrown for a target with an address outside of the public internet. */
export class RefusedAddressError extends Error {
  override readonly name = 'RefusedAddressError'
}

const CONNECT_TIMEOUT_MS = 10_000

/**
 * Creates a connector for public addresses only. A connection looks its name up once, checks all addresses, and gives the
 * socket just those, so that no second look-up can answer differently. TLS verifies the certificate against the name.
 */
export function publicConnector(options: ConnectorOptions): buildConnector.connector {
  const allowed = new Set(options.allowPrivate.map((target) => target.toLowerCase()))
  const lookup = oneAtATime(options.lookup)
  const anywhere = connectorWith(async (hostname) => found(await lookup(hostname)))
  const toPublic = connectorWith(async (hostname) => {
    const addresses = found(await lookup(hostname))
    if (!addresses.every(isPublicAddress)) throw new RefusedAddressError()
    return addresses
  })
  return (target, callback) => {
    if (allowed.has(hostAndPort(target))) return anywhere(target, callback)
    // Nothing is looked up for a literal address.
    if (isIP(target.hostname) !== 0 && !isPublicAddress(target.hostname))
      return callback(new RefusedAddressError(), null)
    return toPublic(target, callback)
  }
}

/** Finds all addresses of a name by the system's resolver: DNS and the hosts file. */
export async function lookUpInSystem(hostname: string): Promise<readonly string[]> {
  const answers = await lookupInSystem(hostname, { all: true })
  return answers.map(({ address }) => address)
}

/**
 * Shares a look-up among all who ask for the same name. The system looks up four names at a time, and reads files with the
 * same threads: a name that hangs must not take them all.
 */
function oneAtATime(lookup: LookUp): LookUp {
  const underWay = new Map<string, Promise<readonly string[]>>()
  return (hostname) => {
    const known = underWay.get(hostname)
    if (known) return known
    const asked = lookup(hostname).finally(() => underWay.delete(hostname))
    underWay.set(hostname, asked)
    return asked
  }
}

function connectorWith(resolve: LookUp): buildConnector.connector {
  const lookup: LookupFunction = (hostname, { all }, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const answers = addresses.map((address) => ({ address, family: isIP(address) }))
        const [first] = answers
        if (all || !first) callback(null, answers)
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    )
  }
  return buildConnector({ lookup, autoSelectFamily: true, timeout: CONNECT_TIMEOUT_MS })
}

function found(addresses: readonly string[]): readonly string[] {
  if (addresses.length === 0) throw new Error('The name has no address.')
  return addresses
}

/** As in `ALLOW_PRIVATE_UPSTREAMS`: the host as the URL has it, and the port also where it is the scheme's own. */
function hostAndPort({ host = '', protocol, port }: buildConnector.Options): string {
  return port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host
}

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
