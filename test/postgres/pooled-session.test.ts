import { randomUUID } from 'node:crypto'
import { type AddressInfo, connect, createServer } from 'node:net'
import { ok } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { Transaction } from '../../server/db/transaction.ts'
import { createProbe, type Handler, type Probe } from '../invocation/probe.ts'
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

/** Whoever comes next has the same backend. */
async function openOnOneBackend() {
  const pooler = await startPgbouncer(admin.url, { pool_mode: 'transaction', default_pool_size: 1 })
  const database = openPostgres({ url: pooler.url, pooler: 'transaction', max: 4 })
  const plain = connectAsAdmin({ app: { databaseUrl: pooler.url } })
  return {
    url: pooler.url,
    database,
    sql: plain.sql,
    ask: async (text: string) => (await database.query({ sql: text, params: [] })).rows[0]?.[0],
    async [Symbol.asyncDispose]() {
      await database.close()
      await plain[Symbol.asyncDispose]()
      await pooler[Symbol.asyncDispose]()
    },
  }
}

const SETTINGS = `select array_to_json(array[current_setting('TimeZone'), current_setting('enable_seqscan'),
  current_setting('jit'), current_setting('search_path'), current_setting('statement_timeout')])::text`

it('what others have left in a backend does not reach a statement, and nothing is left for others', async () => {
  await using pooled = await openOnOneBackend()
  const own = await pooled.ask(SETTINGS)
  expect(own).toBe('["UTC","off","off","\\"$user\\", public","10s"]')
  // As pg_dump and others do.
  await pooled.sql.unsafe(
    `set search_path = ''; set TimeZone = 'Asia/Tokyo'; set statement_timeout = '1ms'; set enable_seqscan = on`,
  )
  expect(await pooled.ask(SETTINGS)).toBe(own)
  const [left] = await pooled.sql.unsafe(
    `select current_setting('search_path') as path, current_setting('jit') as jit`,
  )
  expect(left).toEqual({ path: '""', jit: 'on' })
})

const LEFT: readonly (readonly [string, string, string])[] = [
  ['a temporary table', 'create temporary table mine (n int)', `select to_regclass('pg_temp.mine') is null`],
  [
    'an advisory lock',
    'select pg_advisory_lock(4711)',
    `select not exists (select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())`,
  ],
  [
    'a setting',
    `select set_config('plan_cache_mode', 'force_custom_plan', false)`,
    `select current_setting('plan_cache_mode') = 'auto'`,
  ],
  [
    'a role',
    `do $$ begin perform set_config('role', 'pg_monitor', false); end $$`,
    'select current_user::text = session_user::text',
  ],
]

it.each(
  LEFT.flatMap(([what, leave, look]) =>
    // Another role may not write what the call has to at its end.
    (what === 'a role' ? [true] : [true, false]).map((fails) => [what, fails, leave, look] as const),
  ),
)(
  '%s that SQL of an app leaves does not reach the next transaction (the action fails: %s)',
  async (_what, fails, leave, look) => {
    await using pooled = await openOnOneBackend()
    const server = probe.serveOn(pooled.database)
    const answer = await server.run(async (ctx) => {
      await ctx.tools.sql((db) => db.execute(sql.raw(leave)))
      return fails ? ({ success: false, code: 'CONFLICT', error: 'On purpose.' } as const) : ok(null)
    })
    expect(answer).toMatchObject({ success: !fails })
    const [row] = await pooled.sql.unsafe(look).values()
    expect(row).toEqual([true])
  },
)

it('a COMMIT that fails says why, also where something has to be taken back', async () => {
  await admin.sql.unsafe(
    `create table if not exists deferred (id int primary key, other int references deferred deferrable initially deferred);
     truncate deferred`,
  )
  await using pooled = await openOnOneBackend()
  const server = probe.serveOn(pooled.database)
  const answer = await server.run((ctx) =>
    ctx.tools.sql((db) => db.execute(sql`insert into deferred select 1, 2 from pg_advisory_lock(4712)`)),
  )
  expect(answer).toMatchObject({ success: false, code: 'CONFLICT' })
  const [row] = await pooled.sql.unsafe(LEFT[1]?.[2] ?? '').values()
  expect(row).toEqual([true])
})

const sleep: Handler = (ctx) => ctx.tools.sql((database) => database.execute(sql`select pg_sleep(60)`))
const sleeping = async () =>
  (
    await admin.sql`select 1 from pg_stat_activity where datname = current_database() and query like '%pg_sleep%'
    and pid <> pg_backend_pid() and state = 'active'`
  ).length

it('a statement that outlasts its deadline is stopped through the pooler, and others are served', async () => {
  await using pooler = await startPgbouncer(admin.url, { pool_mode: 'transaction', default_pool_size: 4 })
  const database = openPostgres({ url: pooler.url, pooler: 'transaction', max: 4 })
  const server = probe.serveOn(database)
  const innocent = async () => {
    const outcomes = []
    for (let n = 0; n < 40; n += 1)
      outcomes.push(await server.run((ctx) => ctx.tools.sql((db) => db.execute(sql`select pg_sleep(0.02)`))))
    return outcomes
  }
  const [outcomes, ...stopped] = await Promise.all([
    innocent(),
    ...Array.from({ length: 3 }, () => server.runBriefly(sleep)),
  ])
  for (const outcome of stopped) expect(outcome).toMatchObject({ success: false, code: 'GATEWAY_TIMEOUT' })
  expect(outcomes.filter((outcome) => !outcome.success)).toEqual([])
  await vi.waitFor(async () => expect(await sleeping()).toBe(0))
  await database.close()
})

it('a request to cancel stops the statement where its own timeout would not', async () => {
  await using pooler = await startPgbouncer(admin.url, { pool_mode: 'transaction' })
  const database = openPostgres({ url: pooler.url, pooler: 'transaction' })
  const transaction = await Transaction.open(database, { readOnly: false, statementTimeoutMs: 120_000 })
  const slept = transaction
    .query({ sql: 'select pg_sleep(100)', params: [] })
    .catch((error: unknown) => error)
  await vi.waitFor(async () => expect(await sleeping()).toBe(1))
  transaction.cancel()
  await transaction.rollback()
  await vi.waitFor(async () => expect(await sleeping()).toBe(0))
  expect(await slept).toBeInstanceOf(Error)
  await database.close()
})

it('where the pooler has no backend left, a call ends at its deadline without an effect, and the next one is served', async () => {
  await using pooled = await openOnOneBackend()
  const server = probe.serveOn(pooled.database)
  const eventId = await probe.newEvent('before')
  const rename: Handler = (ctx) => ctx.tools.update('events', eventId, { title: 'after' })
  const holder = await pooled.sql.reserve()
  await holder.unsafe('begin')
  expect(await server.runBriefly(rename)).toMatchObject({ success: false, code: 'GATEWAY_TIMEOUT' })
  await holder.unsafe('rollback')
  holder.release()
  expect(await probe.event(eventId)).toMatchObject({ title: 'before' })
  await vi.waitFor(async () => expect(await server.run(rename)).toMatchObject({ success: true }))
  expect(await probe.event(eventId)).toMatchObject({ title: 'after' })
})

/** A way to a database on which no transaction begins from some moment on: what is sent as BEGIN is no statement. */
async function startWithoutBegin(databaseUrl: string) {
  const target = new URL(databaseUrl)
  let isBroken = false
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    near.on('data', (chunk) => {
      const text = chunk.toString('latin1')
      far.write(isBroken ? Buffer.from(text.replace('begin isolation', 'bogus isolation'), 'latin1') : chunk)
    })
    far.on('data', (chunk) => near.write(chunk))
    near.on('error', () => {}).on('close', () => far.destroy())
    far.on('error', () => {}).on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: url.href,
    break() {
      isBroken = true
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

it('what stands behind a BEGIN that fails is not sent: it would be committed by itself', async () => {
  await using pooled = await openOnOneBackend()
  await using way = await startWithoutBegin(pooled.url)
  const database = openPostgres({ url: way.url, pooler: 'transaction', max: 2 })
  const ids = [randomUUID(), randomUUID()]
  const insert = (id: string | undefined) => ({
    sql: 'insert into deputy.system_secrets (name, value) values ($1, $2)',
    params: [id, 'x'],
  })
  // Once it is connected, what stands behind a BEGIN could leave together with it.
  await Promise.all([database.write(insert(randomUUID())), database.write(insert(randomUUID()))])
  way.break()
  await expect(database.write(insert(ids[0]))).rejects.toThrow('42601')
  const transaction = await Transaction.open(database, { readOnly: false, statementTimeoutMs: 1_000 })
  await expect(transaction.query(insert(ids[1]))).rejects.toThrow('42601')
  await transaction.rollback()
  await database.close()
  expect(await admin.sql`select 1 from deputy.system_secrets where name = any(${ids})`).toHaveLength(0)
})

const VALUES: readonly (readonly [string, unknown])[] = [
  ['text', 'a\\b"c\'é\u{1f600}'],
  ['text', ''],
  ['text', null],
  ['int', -7],
  ['bigint', 9007199254740993n],
  ['numeric', '1.50'],
  ['double precision', 1e300],
  ['boolean', true],
  ['boolean', false],
  ['boolean', 'true'],
  ['jsonb', '{"a": [1, "2", null]}'],
  ['timestamptz', '2030-01-01T00:00:00.123Z'],
  ['text[]', '{a,"b c",NULL}'],
  ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
]

it.each(VALUES)('a value of type %s is bound as it is without a pooler: %s', async (type, value) => {
  await using pooled = await openOnOneBackend()
  const bind = async (database: Database) =>
    (await database.query({ sql: `select $1::${type}::text`, params: [value] })).rows[0]?.[0]
  const direct = openPostgres({ url: admin.url, max: 1 })
  const expected = type === 'boolean' ? String(value) : await bind(direct)
  expect(await bind(pooled.database)).toBe(expected)
  await direct.close()
})
