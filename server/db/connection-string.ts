import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type postgres from 'postgres'

/** Where a PostgreSQL server is and how it is reached. */
export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  /** Further hosts, each tried when those before it cannot be used. */
  readonly others: readonly HostAndPort[]
  /** Whether only a host is used that takes writes: with several of them some may be standbys. */
  readonly mustWrite: boolean
  /** The directory of a unix socket, in place of the host. */
  readonly socketDirectory: string | undefined
  readonly user: string
  readonly password: string
  readonly database: string
  readonly tls: TlsOptions
  /** `options`, as the server reads it when a session starts. */
  readonly options: string | undefined
  readonly applicationName: string
  readonly connectTimeoutS: number
  /** Whether it says that a pooler in transaction mode is there. */
  readonly isPooledByTransaction: boolean
}

export interface HostAndPort {
  readonly host: string
  readonly port: number
}

export interface TlsOptions {
  readonly mode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
  /** Files; the system's own certificates without a root. */
  readonly rootCert?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export type ParsedConnection = { readonly value: ConnectionOptions } | { readonly problem: string }

const FORM = /^postgres(?:ql)?:\/\/(?:([^/?]*)@)?([^/?@]*)(?:\/([^?]*))?(?:\?(.*))?$/s
const MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
const KNOWN = new Set(
  'host port user password dbname sslmode sslrootcert sslcert sslkey channel_binding options application_name connect_timeout target_session_attrs schema pgbouncer'.split(
    ' ',
  ),
)

class Refusal extends Error {}

/**
 * Reads a connection string as libpq does. What is not supported is refused by its name, and nothing is left out.
 * A problem never quotes the password.
 */
export function parseConnectionString(text: string): ParsedConnection {
  try {
    return { value: parse(text) }
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.message }
    throw error
  }
}

function parse(text: string): ConnectionOptions {
  const found = FORM.exec(text)
  if (!found)
    throw new Refusal(
      'must be postgres://user:password@host:port/database; write / ? and @ in a password as %2F, %3F and %40',
    )
  const [, login = '', place = '', path = '', query = ''] = found
  const given = parameters(query)
  const separator = login.indexOf(':')
  const user =
    given.get('user') ??
    (decode(separator < 0 ? login : login.slice(0, separator), 'the user') || userInfo().username)
  const password =
    given.get('password') ?? (separator < 0 ? '' : decode(login.slice(separator + 1), 'the password'))
  const [first, ...others] = targets(place, given)
  const { host, port } = first
  const isSocket = host.startsWith('/')
  if (others.length > 0 && [first, ...others].some((one) => one.host.startsWith('/')))
    throw new Refusal('names several hosts, and a directory of a unix socket among them; name one of them')
  return {
    host: isSocket ? 'localhost' : host,
    port,
    others,
    mustWrite: others.length > 0 && given.get('target_session_attrs') !== 'any',
    socketDirectory: isSocket ? host : undefined,
    user,
    password,
    database: given.get('dbname') ?? (decode(path, 'the database') || user),
    tls: isSocket ? { mode: 'disable' } : tls(given),
    ...session(given),
  }
}

function parameters(query: string): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const at = pair.indexOf('=')
    const name = decode(at < 0 ? pair : pair.slice(0, at), 'a parameter')
    if (!KNOWN.has(name))
      throw new Refusal(`has the parameter "${name.slice(0, 40)}", which is not supported here; take it out`)
    if (given.has(name)) throw new Refusal(`has the parameter "${name}" twice`)
    given.set(name, at < 0 ? '' : decode(pair.slice(at + 1), `the parameter "${name}"`))
  }
  return given
}

/** As libpq: lists with commas, and one port for all of them or as many ports as hosts. */
function targets(place: string, given: ReadonlyMap<string, string>): [HostAndPort, ...HostAndPort[]] {
  const places = place.split(',').map((one) => {
    const found = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(one)
    const [, bracketed, named = '', digits = ''] = found ?? []
    return { host: decode(bracketed ?? named, 'the host'), port: digits, isRead: found !== null }
  })
  if (places.some(({ isRead }) => !isRead)) throw new Refusal(PORT_RULE)
  const hosts = given.get('host')?.split(',') ?? places.map(({ host }) => host)
  const ports = given.get('port')?.split(',') ?? places.map(({ port }) => port)
  if (ports.length > 1 && ports.length !== hosts.length)
    throw new Refusal(
      `has ${ports.length} ports, and hosts: ${hosts.length}; give as many ports as hosts, or one port for all`,
    )
  const [first = '', ...others] = hosts
  const at = (host: string, position: number): HostAndPort => ({
    host: host || 'localhost',
    port: portOf((ports.length > 1 ? ports[position] : ports[0]) || '5432'),
  })
  return [at(first, 0), ...others.map((host, position) => at(host, position + 1))]
}

const PORT_RULE = 'must have a port from 1 to 65535; an IPv6 address stands in brackets, such as [::1]:5432'

function portOf(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535) throw new Refusal(PORT_RULE)
  return Number(text)
}

function tls(given: ReadonlyMap<string, string>): TlsOptions {
  const rootCert = given.get('sslrootcert')
  const binding = oneOf(given, 'channel_binding', ['disable', 'prefer', 'require'], 'prefer')
  const asked = oneOf(given, 'sslmode', MODES, rootCert === 'system' ? 'verify-full' : 'prefer')
  if (rootCert === 'system' && asked !== 'verify-full')
    throw new Refusal('has sslrootcert=system, which needs sslmode=verify-full')
  if (binding === 'require' && asked === 'disable')
    throw new Refusal('has channel_binding=require, which needs TLS, and sslmode=disable')
  // The driver cannot bind; a certificate that is verified keeps out whom binding would keep out.
  const isBound = binding === 'require'
  // As libpq: with a root to check against, require checks.
  const mode = isBound ? 'verify-full' : asked === 'require' && rootCert !== undefined ? 'verify-ca' : asked
  const [cert, key] = [given.get('sslcert'), given.get('sslkey')]
  if ((cert === undefined) !== (key === undefined))
    throw new Refusal('must have both sslcert and sslkey, or neither')
  if (mode === 'prefer' && (cert ?? rootCert) !== undefined) {
    const name = rootCert === undefined ? 'sslcert' : 'sslrootcert'
    throw new Refusal(
      `has ${name}, and an sslmode that need not use it; say sslmode=require, verify-ca or verify-full beside it`,
    )
  }
  return { mode, rootCert: rootCert === 'system' ? undefined : rootCert, cert, key }
}

function session(given: ReadonlyMap<string, string>) {
  const schema = given.get('schema')
  const options = given.get('options')
  if ((schema !== undefined && schema !== 'public') || /search_path/i.test(options ?? ''))
    throw new Refusal(
      'asks for another schema; collections are kept in the schema public, so use a database of their own',
    )
  const isPooledByTransaction = oneOf(given, 'pgbouncer', ['true', 'false'], 'false') === 'true'
  oneOf(given, 'target_session_attrs', ['any', 'read-write', 'primary'], 'any')
  const applicationName = given.get('application_name') ?? 'deputy'
  if (!/^[\x20-\x7e]{1,63}$/.test(applicationName))
    throw new Refusal('must have an application_name of 1 to 63 printable ASCII characters')
  const timeout = given.get('connect_timeout') ?? '5'
  if (!/^\d{1,4}$/.test(timeout)) throw new Refusal('must have a connect_timeout in whole seconds')
  return { options, applicationName, connectTimeoutS: Number(timeout), isPooledByTransaction }
}

function oneOf<T extends string>(
  given: ReadonlyMap<string, string>,
  name: string,
  values: readonly T[],
  usual: T,
): T {
  const text = given.get(name)
  const value = text === undefined ? usual : values.find((candidate) => candidate === text)
  if (value === undefined) throw new Refusal(`must have a ${name} that is one of ${values.join(', ')}`)
  return value
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Refusal(`must have % followed by two digits in ${what}; write % itself as %25`)
  }
}

/** Where the data is, for people: without a password. */
export function locationOf({ host, port, others, socketDirectory, database }: ConnectionOptions): string {
  const places = [{ host, port }, ...others].map(placeOf)
  return `postgres://${socketDirectory ?? places.join(',')}/${database}`
}

/** Writes a host and its port as an address has them: an IPv6 address in brackets. */
export function placeOf({ host, port }: HostAndPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Reads a connection string that was checked before. @throws {Error} that says what is wrong with it */
export function connectionOf(text: string): ConnectionOptions {
  const parsed = parseConnectionString(text)
  if ('problem' in parsed) throw new Error(`The connection string of the database ${parsed.problem}`)
  return parsed.value
}

/** What the driver is given; it never reads the string itself. @throws {Error} naming a certificate file that cannot be read */
export function driverOptions(connection: ConnectionOptions, hostNow = () => connection.host) {
  const { host, port, socketDirectory, user, password, database, options } = connection
  return {
    host: [host],
    port: [port],
    ...(socketDirectory !== undefined && { path: `${socketDirectory}/.s.PGSQL.${port}` }),
    user,
    // A function, since the driver would read the environment in place of an empty text.
    password: () => password,
    database,
    ssl: driverTls(connection.tls, hostNow),
    connect_timeout: connection.connectTimeoutS,
    connection: {
      application_name: connection.applicationName,
      ...(options !== undefined && { options }),
    },
  } as unknown as postgres.Options<Record<string, never>> // Its types know one host alone.
}

function driverTls({ mode, rootCert, cert, key }: TlsOptions, hostNow: () => string) {
  if (mode === 'disable') return false
  const identity = {
    ...(rootCert !== undefined && { ca: readNamed('sslrootcert', rootCert) }),
    ...(cert !== undefined && { cert: readNamed('sslcert', cert) }),
    ...(key !== undefined && { key: readNamed('sslkey', key) }),
  }
  if (mode === 'prefer') return 'prefer'
  if (mode === 'require') return { ...identity, rejectUnauthorized: false }
  return {
    ...identity,
    rejectUnauthorized: true,
    // Said in full: Node would check an address against the name localhost.
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      mode === 'verify-ca' ? undefined : checkServerIdentity(hostNow(), certificate),
  }
}

function readNamed(parameter: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new Error(
      `The connection string of the database has ${parameter}=${path}, a file that cannot be read (${code}). Name one that this user may read.`,
      { cause: error },
    )
  }
}
