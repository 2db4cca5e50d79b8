import { randomUUID } from 'node:crypto'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import type { PoolerMode } from '../../server/db/pooler-mode.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { Transaction } from '../../server/db/transaction.ts'
import { openTestDatabase } from '../support/database.ts'
import { startPgbouncer } from './pgbouncer.ts'

const QUIET_MS = 25

/** A way to a database on which an answer comes when nothing more is sent: each such answer is a round trip. */
async function startCounter(databaseUrl: string) {
  const target = new URL(databaseUrl)
  let trips = 0
  const server = createServer((near) => {
    const far = connect(Number(target.port || 5432), target.hostname)
    let held: Buffer[] = []
    let timer: NodeJS.Timeout | undefined
    const answer = () => {
      if (held.length === 0) return
      trips += 1
      near.write(Buffer.concat(held))
      held = []
    }
    const rearm = () => {
      clearTimeout(timer)
      timer = setTimeout(answer, QUIET_MS)
    }
    near.on('data', (chunk) => {
      rearm()
      far.write(chunk)
    })
    far.on('data', (chunk) => {
      held.push(chunk)
      rearm()
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: url.href,
    /** The fewest round trips of several tries: a machine that stutters can only add some. */
    async count(run: () => Promise<unknown>): Promise<number> {
      const counts: number[] = []
      for (let nth = 0; nth < 4; nth += 1) {
        const before = trips
        await run()
        counts.push(trips - before)
      }
      return Math.min(...counts)
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

const insert = () => ({
  sql: 'insert into deputy.system_secrets (name, value) values ($1, $2)',
  params: [randomUUID(), 'x'],
})
const select = { sql: 'select value from deputy.system_secrets where name = $1', params: ['x'] }

async function transact(database: Database, readOnly: boolean): Promise<void> {
  const transaction = await Transaction.open(database, { readOnly, statementTimeoutMs: 9_900 })
  await transaction.query(select)
  if (!readOnly) await transaction.query(insert())
  expect(await transaction.commit(readOnly ? undefined : insert())).toBe('committed')
}

const EXPECTED: readonly (readonly [PoolerMode, Readonly<Record<string, number>>])[] = [
  ['none', { read: 1, write: 1, 'transaction that reads': 2, 'transaction that writes': 3 }],
  ['session', { read: 1, write: 1, 'transaction that reads': 2, 'transaction that writes': 3 }],
  ['transaction', { read: 1, write: 2, 'transaction that reads': 2, 'transaction that writes': 4 }],
]

it.each(EXPECTED)('with a pooler of mode %s the round trips are %j', async (mode, expected) => {
  await using opened = await openTestDatabase()
  await using pooler =
    mode === 'none' ? undefined : await startPgbouncer(opened.url ?? '', { pool_mode: mode })
  await using counter = await startCounter(pooler?.url ?? opened.url ?? '')
  const database = openPostgres({ url: counter.url, pooler: mode, max: 1 })
  try {
    expect({
      read: await counter.count(() => database.query(select)),
      write: await counter.count(() => database.write(insert())),
      'transaction that reads': await counter.count(() => transact(database, true)),
      'transaction that writes': await counter.count(() => transact(database, false)),
    }).toEqual(expected)
  } finally {
    await database.close()
  }
})
