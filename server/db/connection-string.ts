import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type postgres from 'postgres'

/** Where a PostgreSQL server is and how it is reached. */
export interface ConnectionOptions {
  readonly host: string
  readonly port: number
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
  const { host, port } = target(place, given)
  const isSocket = host.startsWith('/')
  return {
    host: isSocket ? 'localhost' : host,
    port,
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

function target(place: string, given: ReadonlyMap<string, string>): { host: string; port: number } {
  const [, bracketed, named = '', digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(place) ?? []
  const host = given.get('host') ?? (decode(bracketed ?? named, 'the host') || 'localhost')
  const port = given.get('port') ?? (digits === undefined || digits === '' ? '5432' : digits)
  if (`${place}${host}${port}`.includes(','))
    throw new Refusal('names several hosts; name the one that takes writes, or the address in front of them')
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw new Refusal(
      'must have a port from 1 to 65535; an IPv6 address stands in brackets, such as [::1]:5432',
    )
  return { host, port: Number(port) }
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
  if (given.has('pgbouncer') && given.get('pgbouncer') !== 'false')
    throw new Refusal(
      'has the parameter "pgbouncer", which marks a pooler in transaction mode; use the session pooler or the database itself',
    )
  oneOf(given, 'target_session_attrs', ['any', 'read-write', 'primary'], 'any')
  const applicationName = given.get('application_name') ?? 'deputy'
  if (!/^[\x20-\x7e]{1,63}$/.test(applicationName))
    throw new Refusal('must have an application_name of 1 to 63 printable ASCII characters')
  const timeout = given.get('connect_timeout') ?? '5'
  if (!/^\d{1,4}$/.test(timeout)) throw new Refusal('must have a connect_timeout in whole seconds')
  return { options, applicationName, connectTimeoutS: Number(timeout) }
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
export function locationOf({ host, port, socketDirectory, database }: ConnectionOptions): string {
  const name = host.includes(':') ? `[${host}]` : host
  return `postgres://${socketDirectory ?? `${name}:${port}`}/${database}`
}

/** Reads a connection string that was checked before. @throws {Error} that says what is wrong with it */
export function connectionOf(text: string): ConnectionOptions {
  const parsed = parseConnectionString(text)
  if ('problem' in parsed) throw new Error(`The connection string of the database ${parsed.problem}`)
  return parsed.value
}

/** What the driver is given; it never reads the string itself. @throws {Error} naming a certificate file that cannot be read */
export function driverOptions(connection: ConnectionOptions) {
  const { host, port, socketDirectory, user, password, database, options } = connection
  return {
    host: [host],
    port: [port],
    ...(socketDirectory !== undefined && { path: `${socketDirectory}/.s.PGSQL.${port}` }),
    user,
    // A function, since the driver would read the environment in place of an empty text.
    password: () => password,
    database,
    ssl: driverTls(connection.tls, host),
    connect_timeout: connection.connectTimeoutS,
    connection: {
      application_name: connection.applicationName,
      ...(options !== undefined && { options }),
    },
  } as unknown as postgres.Options<Record<string, never>> // Its types know one host alone.
}

function driverTls({ mode, rootCert, cert, key }: TlsOptions, host: string) {
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
      mode === 'verify-ca' ? undefined : checkServerIdentity(host, certificate),
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
