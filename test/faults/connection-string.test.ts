import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openPostgres } from '../../server/db/postgres.ts'
import { startCluster } from './cluster.ts'

let cluster: Awaited<ReturnType<typeof startCluster>>
let directory: string
let socketDirectory: string
let port: string

beforeAll(async () => {
  cluster = await startCluster()
  port = new URL(cluster.url).port
  directory = mkdtempSync(join(tmpdir(), 'deputy-tls-'))
  const openssl = (...args: readonly string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' })
  for (const ca of ['ca', 'other'])
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ed25519',
      '-nodes',
      '-keyout',
      `${ca}.key`,
      '-out',
      `${ca}.pem`,
      '-days',
      '2',
      '-subj',
      `/CN=${ca}`,
    )
  openssl(
    'req',
    '-newkey',
    'ed25519',
    '-nodes',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
  )
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-out',
    'server.pem',
    '-days',
    '2',
    '-copy_extensions',
    'copy',
  )
  if (process.getuid?.() === 0) {
    const id = Number(execFileSync('id', ['-u', 'postgres']).toString())
    for (const name of ['', 'server.key', 'server.pem']) chownSync(join(directory, name), id, id)
  }
  const sql = postgres(cluster.url, { max: 1 })
  await sql.unsafe(`alter system set ssl_cert_file = '${join(directory, 'server.pem')}'`)
  await sql.unsafe(`alter system set ssl_key_file = '${join(directory, 'server.key')}'`)
  await sql.unsafe('alter system set ssl = on')
  await sql`select pg_reload_conf()`
  await vi.waitFor(async () => expect(await sql`show ssl`).toEqual([{ ssl: 'on' }]))
  const [row] = await sql<{ unix_socket_directories: string }[]>`show unix_socket_directories`
  socketDirectory = row?.unix_socket_directories ?? ''
  await sql.end()
})
afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

/** Whether the connection is encrypted; or why there is none. */
async function connectionOver(url: string): Promise<unknown> {
  const database = openPostgres({ url, max: 1 })
  try {
    const { rows } = await database.query({
      sql: 'select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)::text',
      params: [],
    })
    return rows[0]?.[0]
  } catch (error) {
    return String(error)
  } finally {
    await database.close()
  }
}

const at = (host: string, query: string) =>
  connectionOver(`postgres://postgres@${host}:${port}/postgres?${query}`)

it.each([
  ['localhost', 'sslmode=disable', 'false'],
  ['localhost', '', 'true'],
  ['localhost', 'sslmode=require', 'true'],
  ['localhost', 'sslmode=verify-ca&sslrootcert=CA', 'true'],
  ['localhost', 'sslmode=verify-full&sslrootcert=CA', 'true'],
  ['localhost', 'sslmode=require&channel_binding=require&sslrootcert=CA', 'true'],
  ['127.0.0.1', 'sslmode=verify-ca&sslrootcert=CA', 'true'],
])('at %s, %j is encrypted: %s', async (host, query, expected) => {
  expect(await at(host, query.replace('CA', join(directory, 'ca.pem')))).toBe(expected)
})

it.each([
  ['localhost', 'sslmode=verify-full', 'a certificate that no authority of the system has signed'],
  ['localhost', 'sslmode=require&channel_binding=require', 'such a certificate, with channel binding'],
  ['localhost', 'sslmode=require&sslrootcert=OTHER', 'a certificate of another authority'],
  ['127.0.0.1', 'sslmode=verify-full&sslrootcert=CA', 'a certificate for another name'],
])('at %s, %j refuses %s', async (host, query) => {
  const path = (name: string) => join(directory, name)
  const text = query.replace('CA', path('ca.pem')).replace('OTHER', path('other.pem'))
  expect(await at(host, text)).toMatch(/^ConnectionLost: /)
})

it('of several hosts, the certificate is checked against the one that is used', async () => {
  const query = `sslmode=verify-full&sslrootcert=${join(directory, 'ca.pem')}`
  const over = (places: string) => connectionOver(`postgres://postgres@${places}/postgres?${query}`)
  expect(await over(`127.0.0.1:1,localhost:${port}`)).toBe('true')
  expect(await over(`localhost:1,127.0.0.1:${port}`)).toMatch(/^ConnectionLost: /)
})

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1')

describe.runIf(hasIpv6)('an IPv6 address', () => {
  it.each([
    ['sslmode=disable', 'false'],
    ['sslmode=require', 'true'],
    ['sslmode=verify-ca&sslrootcert=CA', 'true'],
  ])('is connected to: %s', async (query, expected) => {
    expect(await at('[::1]', query.replace('CA', join(directory, 'ca.pem')))).toBe(expected)
  })

  it('is none of the names of another certificate', async () => {
    const root = join(directory, 'ca.pem')
    expect(await at('[::1]', `sslmode=verify-full&sslrootcert=${root}`)).toMatch(/^ConnectionLost: /)
    expect(await at('[::1]', `sslmode=verify-ca&channel_binding=require&sslrootcert=${root}`)).toMatch(
      /^ConnectionLost: /,
    )
  })
})

it('a file that cannot be read is named', async () => {
  expect(await at('localhost', 'sslmode=verify-full&sslrootcert=/nowhere/ca.pem')).toMatch(
    /sslrootcert=\/nowhere\/ca\.pem, a file that cannot be read \(ENOENT\)/,
  )
})

it('connects over a unix socket', async () => {
  const url = `postgres://postgres@/postgres?host=${socketDirectory}&port=${port}`
  expect(await connectionOver(url)).toBe('false')
})
