import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPostgres } from '../../server/db/postgres.ts'
import { Transaction } from '../../server/db/transaction.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
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

const start = (databaseUrl: string) =>
  openDatabase({ databaseUrl, directory: undefined, migrations: MIGRATIONS, tables: TABLES })
const statement = (sql: string, params: readonly unknown[] = []) => ({ sql, params })
const IGNORED = 'default_transaction_read_only,statement_timeout,enable_seqscan,jit,extra_float_digits'

describe('PgBouncer in session mode', () => {
  it.each([
    ['as shipped', {}],
    ['with start-up parameters ignored', { ignore_startup_parameters: IGNORED }],
    ['without a reset query', { server_reset_query: '' }],
  ])('%s serves reads, writes, transactions in turn and prepared statements', async (_title, settings) => {
    await using pooler = await startPgbouncer(admin.url, { pool_mode: 'session', ...settings })
    for (let opening = 0; opening < 2; opening += 1) {
      const database = await start(pooler.url)
      try {
        for (let nth = 0; nth < 3; nth += 1) {
          const { rows } = await database.query(statement('select $1::int + 1', [nth]))
          expect(rows).toEqual([[nth + 1]])
        }
        const shown = await database.query(
          statement(
            `select current_setting('default_transaction_read_only'), current_setting('jit'), current_setting('TimeZone')`,
          ),
        )
        expect(shown.rows).toEqual([['on', 'off', 'UTC']])
        const id = randomUUID()
        const transaction = await Transaction.open(database, {
          readOnly: false,
          statementTimeoutMs: 2_000,
          turnKeys: [id],
        })
        const locks = await transaction.query(
          statement(
            `select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`,
          ),
        )
        expect(locks.rows).toEqual([[1]])
        await transaction.query(
          statement('insert into deputy.system_secrets (name, value) values ($1, $2)', [id, 'x']),
        )
        expect(await transaction.commit()).toBe('committed')
        const kept = await admin.sql`select 1 from deputy.system_secrets where name = ${id}`
        expect(kept).toHaveLength(1)
      } finally {
        await database.close()
      }
    }
  })

  it('is not refused for having room for one connection alone', async () => {
    await using pooler = await startPgbouncer(admin.url, { pool_mode: 'session', default_pool_size: 1 })
    const database = await start(pooler.url)
    expect((await database.query(statement('select 1'))).rows).toEqual([[1]])
    await database.close()
  })
})

it.each([
  ['transaction mode', { pool_mode: 'transaction' }, /in transaction( or statement)? mode/],
  [
    'transaction mode that ignores parameters',
    { pool_mode: 'transaction', ignore_startup_parameters: IGNORED },
    /in transaction( or statement)? mode/,
  ],
  [
    'transaction mode with one backend',
    { pool_mode: 'transaction', default_pool_size: 1 },
    /in transaction( or statement)? mode/,
  ],
  [
    'transaction mode with a reserve',
    { pool_mode: 'transaction', default_pool_size: 1, reserve_pool_size: 2, reserve_pool_timeout: 1 },
    /in transaction( or statement)? mode/,
  ],
  ['statement mode', { pool_mode: 'statement' }, /in (transaction or )?statement mode/],
])(
  'PgBouncer in %s is refused at start, by what was found and what to do',
  async (_title, settings, found) => {
    await using pooler = await startPgbouncer(admin.url, settings)
    const refusal = await start(pooler.url).then(
      async (database) => {
        await database.close()
        return 'started'
      },
      (error: unknown) => String(error),
    )
    expect(refusal).toMatch(found)
    expect(refusal).toContain('pool_mode = session')
  },
)

it('nothing is acknowledged and lost behind a pooler that is in transaction mode after all', async () => {
  await using pooler = await startPgbouncer(admin.url, { pool_mode: 'transaction', default_pool_size: 3 })
  const database = openPostgres({ url: pooler.url })
  const acknowledged: string[] = []
  await Promise.all(
    Array.from({ length: 60 }, async (_, nth) => {
      const id = `${nth}-${randomUUID()}`
      const insert = statement('insert into deputy.system_secrets (name, value) values ($1, $2)', [id, 'x'])
      try {
        if (nth % 2 === 0) await database.write(insert)
        else {
          const transaction = await Transaction.open(database, { readOnly: false, statementTimeoutMs: 2_000 })
          await transaction.query(insert).catch(async (error: unknown) => {
            await transaction.rollback()
            throw error
          })
          if ((await transaction.commit()) !== 'committed') return
        }
        acknowledged.push(id)
      } catch {
        // Refused, which is what should happen.
      }
    }),
  )
  const kept = await admin.sql<
    { name: string }[]
  >`select name from deputy.system_secrets where name = any(${acknowledged})`
  expect(kept).toHaveLength(acknowledged.length)
  await database.close()
})
