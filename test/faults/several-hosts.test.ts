import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openPostgres } from '../../server/db/postgres.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'
import { startCluster } from './cluster.ts'

type Cluster = Awaited<ReturnType<typeof startCluster>>

/** Nothing listens there. */
const NOWHERE = '127.0.0.1:1'
let one: Cluster
let other: Cluster
beforeAll(async () => {
  one = await startCluster()
  other = await startCluster()
  await one.demote()
}, 300_000)
afterAll(async () => {
  await one[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

const placeOf = (cluster: Cluster) => new URL(cluster.url).host
const portOf = (cluster: Cluster) => Number(new URL(cluster.url).port)
const urlOf = (places: readonly string[], query = '') =>
  `postgres://postgres@${places.join(',')}/postgres?connect_timeout=2&${query}`
const PORT = { sql: "select current_setting('port')", params: [] }

async function portReached(url: string): Promise<number> {
  const database = openPostgres({ url, max: 1 })
  try {
    return Number((await database.query(PORT)).rows[0]?.[0])
  } finally {
    await database.close()
  }
}

it('of several hosts the first is used that answers and takes writes', async () => {
  expect(await portReached(urlOf([NOWHERE, placeOf(one), placeOf(other)]))).toBe(portOf(other))
  expect(await portReached(urlOf([placeOf(other), placeOf(one)]))).toBe(portOf(other))
  expect(await portReached(urlOf([NOWHERE, placeOf(one)], 'target_session_attrs=any'))).toBe(portOf(one))
})

it('where none can be used, each is named with its reason', async () => {
  await expect(portReached(urlOf([NOWHERE, placeOf(one)]))).rejects.toThrow(
    `No host of the connection string can be used: ${NOWHERE} failed (ECONNREFUSED); ${placeOf(one)} is a standby, which takes no writes`,
  )
})

it('a server starts on the host that takes writes, and goes on with the one that takes its place', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'deputy-hosts-'))
  const database = await openDatabase({
    databaseUrl: urlOf([placeOf(one), placeOf(other)]),
    directory,
    migrations: MIGRATIONS,
    tables: TABLES,
  })
  try {
    expect((await database.query(PORT)).rows).toEqual([[String(portOf(other))]])
    // Two calls at once, so that more than one connection is open.
    await Promise.all([database.query(PORT), database.query(PORT)])
    await other.stop()
    await one.promote()
    // Each connection that was open may fail one call.
    await vi.waitFor(
      async () => expect((await database.query(PORT)).rows).toEqual([[String(portOf(one))]]),
      20_000,
    )
    const made = await database.write({ sql: 'create table moved (n integer)', params: [] })
    expect(made.rows).toEqual([])
  } finally {
    await database.close()
    await rm(directory, { recursive: true })
  }
}, 300_000)
