import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, dataOf, openBench } from './workbench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench({ pool: { max: 1 } })
})
afterAll(() => bench[Symbol.asyncDispose]())

const ask = async (text: string): Promise<unknown> => {
  const rows = dataOf(await bench.run((tools) => tools.sql((db) => db.execute(sql.raw(text)))))
  return Object.values((rows as unknown as Record<string, unknown>[])[0] ?? {})[0]
}
const COUNT = 'select count(*)::int from'

/** What SQL can leave on a connection, how one sees it, and what is seen where nothing was left. */
const KINDS: readonly (readonly [kind: string, leave: string, look: string, expected: unknown])[] = [
  [
    'a temporary table',
    'create temporary table left_over (a int)',
    `${COUNT} pg_class where relname = 'left_over'`,
    0,
  ],
  [
    'an advisory lock',
    'select pg_advisory_lock(4242)',
    `${COUNT} pg_locks where locktype = 'advisory' and objid = 4242`,
    0,
  ],
  [
    'a shared advisory lock',
    'select pg_advisory_lock_shared(4242)',
    `${COUNT} pg_locks where locktype = 'advisory' and objid = 4242`,
    0,
  ],
  [
    'a search path',
    `select set_config('search_path', 'pg_catalog', false)`,
    `select current_setting('search_path') = 'pg_catalog'`,
    false,
  ],
  [
    'a time zone',
    `select set_config('TimeZone', 'Asia/Tokyo', false)`,
    `select current_setting('TimeZone') in ('UTC', 'GMT', 'Etc/UTC')`,
    true,
  ],
  [
    'a setting of its own',
    `select set_config('app.user', 'ada', false)`,
    `select coalesce(current_setting('app.user', true), '')`,
    '',
  ],
  [
    'the right to write',
    `select set_config('default_transaction_read_only', 'off', false)`,
    `select current_setting('default_transaction_read_only')`,
    'on',
  ],
  [
    'a mode of the plan cache',
    `select set_config('plan_cache_mode', 'force_custom_plan', false)`,
    `select current_setting('plan_cache_mode')`,
    'auto',
  ],
  [
    'a role',
    `do $$ begin perform set_config('role', 'pg_monitor', false); end $$`,
    'select current_user::text = session_user::text',
    true,
  ],
  [
    'a session authorization',
    `do $$ begin perform set_config('session_authorization', 'pg_monitor', false); end $$`,
    `select session_user::text = 'pg_monitor'`,
    false,
  ],
  ['a listener', `do $$ begin execute 'listen left_over'; end $$`, `${COUNT} pg_listening_channels()`, 0],
  [
    'a cursor with hold',
    'declare left_over cursor with hold for select 1',
    `${COUNT} pg_cursors where name = 'left_over'`,
    0,
  ],
  [
    'a prepared statement',
    `do $$ begin execute 'prepare left_over as select 1'; end $$`,
    `${COUNT} pg_prepared_statements where name = 'left_over'`,
    0,
  ],
]

it.each(KINDS)('%s does not reach the next call', async (_kind, leave, look, expected) => {
  await bench.run((tools) => tools.sql((db) => db.execute(sql.raw(leave)))).catch(() => undefined)
  expect(await ask(look)).toBe(expected)
})

it('a seed does not make random() of the next call foreseeable', async () => {
  const draws = new Set<unknown>()
  for (let nth = 0; nth < 3; nth += 1) {
    await ask('select setseed(0.5)')
    draws.add(await ask('select random()'))
  }
  expect(draws.size).toBe(3)
})

it('the last value of a sequence does not reach the next call', async () => {
  await ask(`select nextval(pg_get_serial_sequence('left_sequence', 'id'))`).catch(() => undefined)
  await expect(ask('select lastval()')).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
})
