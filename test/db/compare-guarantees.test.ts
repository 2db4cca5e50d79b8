import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compareGuarantees, readGuarantees } from '../../server/db/compare-guarantees.ts'
import { ENGINE_MIGRATIONS } from '../../server/db/migrate.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { execute } from '../support/execute.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

let opened: TestDatabase
const run = (text: string) => execute(opened.database, opened.url, text)
beforeAll(async () => {
  opened = await openTestDatabase()
})
afterAll(() => opened[Symbol.asyncDispose]())

it('guarantees.json has what the engine’s migrations make, whichever Postgres reads it', async () => {
  // After a new migration of the engine: npx vitest run --project pglite test/db/compare-guarantees.test.ts -u
  const made = `${JSON.stringify(await readGuarantees(opened.database), undefined, 2)}\n`
  await expect(made).toMatchFileSnapshot(join(ENGINE_MIGRATIONS, 'guarantees.json'))
  expect(await compareGuarantees(opened.database)).toEqual([])
})

it('what is found does not depend on the search path', async () => {
  if (opened.url === undefined) return
  const made = await readGuarantees(opened.database)
  await run(`alter database ${new URL(opened.url).pathname.slice(1)} set search_path = deputy, public`)
  const other = openPostgres({ url: opened.url })
  expect(await readGuarantees(other).finally(() => other.close())).toEqual(made)
  await run(`alter database ${new URL(opened.url).pathname.slice(1)} reset search_path`)
})

const TRIGGER = '0001_append-only.sql of the engine does'
const TABLE = '0000_init.sql of the engine does'
const QUEUE = '0002_queue.sql of the engine does'
const guard = (table: string, when: string, does = 'deputy.refuse_change') =>
  `create trigger ${table}_append_only before ${when} on deputy.${table} execute function ${does}()`
const whole = 'update or delete or truncate'
const dropped = (table: string) => `drop trigger ${table}_append_only on deputy.${table}`

type Case = readonly [what: string, change: string, undo: string, told: string]

const triggers = ['audit_log', 'credit_entries'].flatMap((table): readonly Case[] => {
  const what = `the trigger ${table}_append_only on deputy.${table}`
  const changed = `${what} is switched off, or is not as the engine made it: make it again as ${TRIGGER}`
  const undo = `${dropped(table)}; ${guard(table, whole)}`
  return [
    [
      `${table}: trigger gone`,
      dropped(table),
      guard(table, whole),
      `${what} is gone: make it again as ${TRIGGER}`,
    ],
    [
      `${table}: trigger switched off`,
      `alter table deputy.${table} disable trigger ${table}_append_only`,
      `alter table deputy.${table} enable trigger ${table}_append_only`,
      changed,
    ],
    [
      `${table}: trigger for replicas only`,
      `alter table deputy.${table} enable replica trigger ${table}_append_only`,
      `alter table deputy.${table} enable trigger ${table}_append_only`,
      changed,
    ],
    [
      `${table}: trigger without TRUNCATE`,
      `${dropped(table)}; ${guard(table, 'update or delete')}`,
      undo,
      changed,
    ],
    [
      `${table}: trigger with a condition`,
      `${dropped(table)}; ${guard(table, whole).replace('execute', 'when (false) execute')}`,
      undo,
      changed,
    ],
    [
      `${table}: trigger of a function of the same name elsewhere`,
      `create or replace function public.refuse_change() returns trigger language plpgsql as 'begin return null; end';
       ${dropped(table)}; ${guard(table, whole, 'public.refuse_change')}`,
      undo,
      changed,
    ],
  ]
})

it.each<Case>([
  ...triggers,
  [
    'function that refuses nothing',
    `create or replace function deputy.refuse_change() returns trigger language plpgsql as 'begin return null; end'`,
    `create or replace function deputy.refuse_change() returns trigger language plpgsql as $$
     BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$`,
    `the function deputy.refuse_change() is switched off, or is not as the engine made it: make it again as ${TRIGGER}`,
  ],
  [
    'check gone',
    'alter table deputy.credit_accounts drop constraint credit_accounts_available',
    'alter table deputy.credit_accounts add constraint credit_accounts_available check (available between 0 and 9000000000000000)',
    `the constraint credit_accounts_available on deputy.credit_accounts is gone: make it again as ${TABLE}`,
  ],
  [
    'check widened',
    `alter table deputy.credit_accounts drop constraint credit_accounts_available,
      add constraint credit_accounts_available check (available between -1 and 9000000000000000)`,
    `alter table deputy.credit_accounts drop constraint credit_accounts_available,
      add constraint credit_accounts_available check (available between 0 and 9000000000000000)`,
    `the constraint credit_accounts_available on deputy.credit_accounts is switched off, or is not as the engine made it: make it again as ${TABLE}`,
  ],
  [
    'check not valid',
    `alter table deputy.queue drop constraint queue_state,
      add constraint queue_state check (state in ('queued', 'dead', 'done')) not valid`,
    'alter table deputy.queue validate constraint queue_state',
    `the constraint queue_state on deputy.queue is switched off, or is not as the engine made it: make it again as ${QUEUE}`,
  ],
  [
    'primary key gone',
    'alter table deputy.idempotency_claims drop constraint idempotency_claims_pkey',
    'alter table deputy.idempotency_claims add constraint idempotency_claims_pkey primary key (actor, action, key)',
    `the constraint idempotency_claims_pkey on deputy.idempotency_claims is gone: make it again as ${TABLE}`,
  ],
  [
    'primary key that no file names',
    'alter table deputy.queue drop constraint queue_pkey',
    'alter table deputy.queue add primary key (id)',
    'the constraint queue_pkey on deputy.queue is gone: make it again as the engine’s migrations do',
  ],
  [
    'unique index gone',
    'drop index deputy.credit_entries_grant_key',
    `create unique index credit_entries_grant_key on deputy.credit_entries (grant_key) where kind = 'grant'`,
    `the unique index deputy.credit_entries_grant_key on deputy.credit_entries is gone: make it again as ${TABLE}`,
  ],
  [
    'default gone',
    'alter table deputy.queue alter due_at drop default',
    'alter table deputy.queue alter due_at set default now()',
    `the default of deputy.queue.due_at is gone: make it again as ${QUEUE}`,
  ],
  [
    'identity given away',
    'alter table deputy.credit_entries alter seq set generated by default',
    'alter table deputy.credit_entries alter seq set generated always',
    `the default of deputy.credit_entries.seq is switched off, or is not as the engine made it: make it again as ${TABLE}`,
  ],
])('is missed by name: %s', async (_what, change, undo, told) => {
  await run(change)
  expect(await compareGuarantees(opened.database)).toEqual([told])
  await run(undo)
  expect(await compareGuarantees(opened.database)).toEqual([])
})

it('what a newer engine or an operator has added is no difference', async () => {
  await run(`create index extra on deputy.queue (caller);
    alter table deputy.queue add constraint extra_check check (attempts >= 0);
    create trigger extra after insert on deputy.queue execute function deputy.refuse_change();
    alter table deputy.queue disable trigger extra`)
  expect(await compareGuarantees(opened.database)).toEqual([])
})

it('keeps a server from starting, with what to do', async () => {
  if (opened.url === undefined) return
  await run('alter table deputy.audit_log disable trigger audit_log_append_only')
  const options = { databaseUrl: opened.url, directory: undefined, migrations: MIGRATIONS, tables: TABLES }
  await expect(openDatabase({ ...options, expected: [] })).rejects.toThrow(
    /not as drizzle\/ declares it:\n {2}- the trigger audit_log_append_only on deputy\.audit_log is switched off/,
  )
  await run('alter table deputy.audit_log enable trigger audit_log_append_only')
  await (await openDatabase({ ...options, expected: [] })).close()
})
