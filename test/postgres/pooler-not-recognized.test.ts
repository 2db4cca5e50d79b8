import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import postgres from 'postgres'
import { expect, it } from 'vitest'
import { findPooler } from '../../server/db/database-address.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { openEmptyDatabase } from '../db/empty-database.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'
import { connectAsAdmin } from './admin.ts'
import { startPgbouncer } from './pgbouncer.ts'

it('a pooler without room for who looks keeps a server from starting, and nothing is applied through it', async () => {
  await using empty = await openEmptyDatabase()
  const url = empty.url ?? ''
  await using pooler = await startPgbouncer(url, { pool_mode: 'transaction', max_client_conn: 3 })
  const others = [1, 2].map(() => postgres(pooler.url, { max: 1, prepare: false, fetch_types: false }))
  await Promise.all(others.map((other) => other.unsafe('select 1')))
  await using admin = connectAsAdmin({ app: { databaseUrl: url } })
  try {
    const starting = openDatabase({
      databaseUrl: pooler.url,
      directory: undefined,
      migrations: MIGRATIONS,
      tables: TABLES,
    })
    await expect(starting).rejects.toThrow(
      /^It cannot be found out what is in front of the database that DATABASE_URL leads to, .* Make room for them/,
    )
    const tables = await admin.sql`select 1 from pg_tables where schemaname in ('public', 'deputy')`
    expect(tables).toHaveLength(0)
  } finally {
    await Promise.all(others.map((other) => other.end()))
  }
})

/** Leads to a database, once so many connections were refused. */
async function refuseFirst(databaseUrl: string, refusals: number, sqlstate: string) {
  const { hostname, port } = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((client) => {
    connections += 1
    sockets.add(client)
    client.on('error', () => {})
    if (connections <= refusals) {
      client.once('data', () => client.end(refusal(sqlstate)))
      return
    }
    const onward = connect(Number(port || 5432), hostname)
    sockets.add(onward)
    onward.on('error', () => client.destroy())
    client.on('close', () => onward.destroy())
    onward.on('close', () => client.destroy())
    client.pipe(onward).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const target = new URL(databaseUrl)
  target.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  target.searchParams.set('sslmode', 'disable')
  return {
    url: target.href,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function refusal(sqlstate: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlstate}\0Mno more\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

it.each(['53300', '08P01', '57P03'])('who is refused for a moment (%s) looks again', async (sqlstate) => {
  await using empty = await openEmptyDatabase()
  await using place = await refuseFirst(empty.url ?? '', 1, sqlstate)
  expect(await findPooler({ url: place.url })).toBe('none')
  expect(place.connections()).toBe(3)
})

it('who is refused for good (28P01) does not look again, and is told why', async () => {
  await using empty = await openEmptyDatabase()
  await using place = await refuseFirst(empty.url ?? '', 9, '28P01')
  await expect(findPooler({ url: place.url })).rejects.toMatchObject({ sqlstate: '28P01' })
  expect(place.connections()).toBe(1)
})

it('a pooler in transaction mode that is busy for longer than who looks waits is recognized', async () => {
  await using empty = await openEmptyDatabase()
  await using pooler = await startPgbouncer(empty.url ?? '', {
    pool_mode: 'transaction',
    default_pool_size: 1,
  })
  const others = postgres(pooler.url, { max: 5, prepare: false, fetch_types: false })
  let isOver = false
  const load = Promise.all(
    Array.from({ length: 5 }, async () => {
      while (!isOver) await others.unsafe('select pg_sleep(1)')
    }),
  )
  try {
    expect(await findPooler({ url: pooler.url })).toBe('transaction')
  } finally {
    isOver = true
    await load
    await others.end()
  }
})
