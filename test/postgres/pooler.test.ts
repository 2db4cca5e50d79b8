import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { POOLER_MODES, type PoolerMode } from '../../server/db/pooler-mode.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { Transaction } from '../../server/db/transaction.ts'
import { type DatabaseOptions, openDatabase } from '../../server/lifecycle/open-database.ts'
import { createProbe, type Probe } from '../invocation/probe.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'
import { type Admin, connectAsAdmin } from './admin.ts'
import { startPgbouncer } from './pgbouncer.ts'

let probe: Probe
let admin: Admin
beforeAll(async () => {
  probe = await createProbe()
  admin = connectAsAdmin(probe)
})
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

const start = (databaseUrl: string, options: Partial<DatabaseOptions> = {}) =>
  openDatabase({ databaseUrl, directory: undefined, migrations: MIGRATIONS, tables: TABLES, ...options })
const statement = (sql: string, params: readonly unknown[] = []) => ({ sql, params })
const IGNORED = 'default_transaction_read_only,statement_timeout,enable_seqscan,jit,extra_float_digits'
const insertOf = (id: string) =>
  statement('insert into deputy.system_secrets (name, value) values ($1, $2)', [id, 'x'])

async function transact(database: Database, id: string, turnKeys: readonly string[] = []) {
  const transaction = await Transaction.open(database, {
    readOnly: false,
    statementTimeoutMs: 2_000,
    turnKeys,
  })
  try {
    await transaction.query(insertOf(id))
    return await transaction.commit()
  } catch (error) {
    await transaction.rollback()
    throw error
  }
}

const CASES: readonly (readonly [string, PoolerMode, Readonly<Record<string, string | number>>])[] = [
  ['in session mode as shipped', 'session', { pool_mode: 'session' }],
  [
    'in session mode with start-up parameters ignored',
    'session',
    { pool_mode: 'session', ignore_startup_parameters: IGNORED },
  ],
  ['in session mode without a reset query', 'session', { pool_mode: 'session', server_reset_query: '' }],
  ['in session mode with room for one', 'session', { pool_mode: 'session', default_pool_size: 1 }],
  ['in transaction mode', 'transaction', { pool_mode: 'transaction' }],
  [
    'in transaction mode that ignores parameters',
    'transaction',
    { pool_mode: 'transaction', ignore_startup_parameters: IGNORED },
  ],
  ['in transaction mode with one backend', 'transaction', { pool_mode: 'transaction', default_pool_size: 1 }],
  [
    'in transaction mode with a reserve',
    'transaction',
    { pool_mode: 'transaction', default_pool_size: 1, reserve_pool_size: 2, reserve_pool_timeout: 1 },
  ],
]

describe('PgBouncer', () => {
  it.each(CASES)(
    '%s is recognized, and serves reads, writes and transactions',
    async (_title, mode, settings) => {
      await using pooler = await startPgbouncer(admin.url, settings)
      for (let opening = 0; opening < 2; opening += 1) {
        const found: PoolerMode[] = []
        const database = await start(pooler.url, { onPooler: (one) => found.push(one) })
        try {
          expect(found).toEqual([mode])
          for (let nth = 0; nth < 3; nth += 1) {
            const { rows } = await database.query(statement('select $1::int + 1', [nth]))
            expect(rows).toEqual([[nth + 1]])
          }
          const ids = [randomUUID(), randomUUID()]
          await database.write(insertOf(ids[0] ?? ''))
          expect(await transact(database, ids[1] ?? '', ['a turn'])).toBe('committed')
          const kept = await admin.sql`select 1 from deputy.system_secrets where name = any(${ids})`
          expect(kept).toHaveLength(2)
        } finally {
          await database.close()
        }
      }
    },
  )
})

it('PgBouncer in statement mode is refused at start, by what was found and what to do', async () => {
  await using pooler = await startPgbouncer(admin.url, { pool_mode: 'statement' })
  await expect(start(pooler.url)).rejects.toThrow(
    /pooler in statement mode.*Set pool_mode = transaction or session/,
  )
})

it.each([...POOLER_MODES, 'pgbouncer=true'] as const)('%s is believed where it is said', async (said) => {
  const found: PoolerMode[] = []
  const url = said === 'pgbouncer=true' ? `${admin.url}?${said}` : admin.url
  const database = await start(url, {
    onPooler: (mode) => found.push(mode),
    ...(said !== 'pgbouncer=true' && { databasePooler: said }),
  })
  try {
    expect(found).toEqual([said === 'pgbouncer=true' ? 'transaction' : said])
    expect(database.turnWaiters === undefined).toBe(found[0] === 'transaction')
    expect(await transact(database, randomUUID())).toBe('committed')
  } finally {
    await database.close()
  }
})

const WRITES = 60
/** Writes at once, as often as there are ways to. @returns the names that were acknowledged */
async function writeAtOnce(database: Database): Promise<string[]> {
  const acknowledged: string[] = []
  await Promise.all(
    Array.from({ length: WRITES }, async (_, nth) => {
      const id = `${nth}-${randomUUID()}`
      try {
        if (nth % 2 === 0) await database.write(insertOf(id))
        else if ((await transact(database, id)) !== 'committed') return
        acknowledged.push(id)
      } catch {
        // Refused, which is what should happen.
      }
    }),
  )
  return acknowledged
}

const keptOf = async (names: readonly string[]) =>
  (await admin.sql`select 1 from deputy.system_secrets where name = any(${[...names]})`).length

describe('a pooler in transaction mode that was not recognized', () => {
  it('loses nothing that is acknowledged, where it is said to be another one', async () => {
    await using pooler = await startPgbouncer(admin.url, { pool_mode: 'transaction', default_pool_size: 3 })
    const database = openPostgres({ url: pooler.url, pooler: 'session' })
    // Until two connections met in a backend, which it does not say.
    for (let refused = 0; refused === 0; ) {
      const acknowledged = await writeAtOnce(database)
      expect(await keptOf(acknowledged)).toBe(acknowledged.length)
      refused = WRITES - acknowledged.length
    }
    await database.close()
  })

  it('is noticed in a backend that another connection has set', async () => {
    await using pooler = await startPgbouncer(admin.url, { pool_mode: 'transaction', default_pool_size: 1 })
    let found = 0
    const database = openPostgres({
      url: pooler.url,
      pooler: 'session',
      onPoolerFound: () => {
        found += 1
      },
    })
    const [one, other] = [await database.acquire(), await database.acquire()]
    await one.session.start()
    await other.session.start()
    await expect(one.session.beginWrite()).rejects.toThrow('that another connection has set')
    expect([found, one.session.broken, other.session.broken]).toEqual([1, true, true])
    one.release()
    other.release()
    await database.close()
  })

  it('is noticed by a BEGIN, and from then on everything is served', async () => {
    await using pooler = await startPgbouncer(admin.url, { pool_mode: 'transaction', default_pool_size: 3 })
    let found = 0
    const database = openPostgres({
      url: pooler.url,
      pooler: 'session',
      onPoolerFound: () => {
        found += 1
      },
    })
    const first = await writeAtOnce(database)
    expect(found).toBe(1)
    expect(database.turnWaiters).toBeUndefined()
    const second = await writeAtOnce(database)
    expect(second).toHaveLength(60)
    expect(await keptOf([...first, ...second])).toBe(first.length + 60)
    await database.close()
  })
})
