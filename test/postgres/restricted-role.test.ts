import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isCollection } from '../../drizzle/engine/collection.ts'
import * as system from '../../drizzle/engine/system.ts'
import { erase } from '../../server/audit/erase.ts'
import { listAudit } from '../../server/audit/list.ts'
import { prune } from '../../server/audit/prune.ts'
import { ENGINE_MIGRATIONS, migratePostgres } from '../../server/db/migrate.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { sweepAllReservations } from '../../server/ledger/sweep.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { sweepKeys } from '../../server/lifecycle/sweeper.ts'
import { startDispatcher } from '../../server/queue/dispatcher.ts'
import { makeAppFolder } from '../cli/app-folder.ts'
import { addMigration } from '../db/empty-database.ts'
import * as collections from '../fixture/collections.ts'
import { json, startUpstream } from '../integrations/upstream.ts'
import { checkLedger } from '../ledger/ledger.ts'
import { mintToken, startServer } from '../lifecycle/process.ts'
import { temporaryDirectory } from '../support/guarded.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'
import { createTestApp } from '../support/test-app.ts'
import { openWithTwoRoles } from './two-roles.ts'

const expected = [...Object.values(collections).filter(isCollection), ...Object.values(system)]
const clock = () => new Date()

let roles: Awaited<ReturnType<typeof openWithTwoRoles>>
beforeAll(async () => {
  roles = await openWithTwoRoles()
})
afterAll(() => roles[Symbol.asyncDispose]())

const open = (migrations = MIGRATIONS) =>
  openDatabase({
    databaseUrl: roles.serverUrl,
    directory: undefined,
    migrations,
    tables: TABLES,
    expected,
  })

it('deputy migrate as the one role, and deputy start as the other', async () => {
  await using app = await makeAppFolder()
  const as = (databaseUrl: string) => ({ env: { DATABASE_URL: databaseUrl, DATA_DIR: app.path, PORT: '0' } })
  expect(await app.deputy(['generate', '--name', 'init'])).toMatchObject({ code: 0 })
  await using made = await openWithTwoRoles(async (migratorUrl, serverUrl) => {
    const early = await app.deputy(['start'], as(serverUrl))
    expect(early).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Run deputy migrate as the role'),
    })
    const migrated = await app.deputy(['migrate'], as(migratorUrl))
    expect(migrated).toMatchObject({ code: 0, stdout: expect.stringContaining('app: applied 0000_init') })
  })
  const { child, output, ended } = app.start(['start'], as(made.serverUrl).env)
  await Promise.race([
    expect.poll(() => output.stdout, { timeout: 40_000 }).toContain('Deputy listens on'),
    ended,
  ])
  const url = /Deputy listens on (\S+)/.exec(output.stdout)?.[1]
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
}, 120_000)

describe('a role that only reads and writes data', () => {
  it('serves actions, records, users, audit, credits, keys, the outbox and the sweeps', async () => {
    await using upstream = await startUpstream()
    upstream.onPath('/translate', (_entry, response) => json(response, 200, { translatedText: 'Start' }))
    upstream.onPath('/emails', (_entry, response) => json(response, 200, { id: 'mail' }))
    const database = await open()
    await using app = await createTestApp({
      opened: { database, url: roles.serverUrl, [Symbol.asyncDispose]: () => database.close() },
      integrationEnv: {
        LIBRETRANSLATE_BASE_URL: upstream.url,
        RESEND_BASE_URL: upstream.url,
        RESEND_API_KEY: 'k'.repeat(32),
      },
    })
    const [ada, owner] = [await app.as('ada'), await app.as('owner')]
    const event = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 20 }
    const keyed = app.createCaller({ token: await app.token('ada'), idempotencyKey: 'once' })
    const created = await keyed.actions.createEvent(event)
    expect(await keyed.actions.createEvent(event)).toEqual(created)
    const { recordId: eventId } = created.success ? created.data : { recordId: '' }
    expect(await ada.records.events.update({ recordId: eventId, patch: { title: 'Later' } })).toMatchObject({
      success: true,
    })
    expect(await ada.actions.inviteAttendee({ eventId, attendeeId: 'ada' })).toMatchObject({ success: true })
    expect(await ada.records.events.list({})).toMatchObject({ data: { records: [{ recordId: eventId }] } })

    for (const account of ['ada', 'owner']) {
      const granting = app.createCaller({ token: await app.token('owner'), idempotencyKey: account })
      expect(await granting.credits.grant({ account, amount: 9_000_000 })).toMatchObject({ success: true })
    }
    const translated = await ada.actions.translateTitle({ eventId, language: 'de' })
    expect(translated).toEqual({ success: true, data: { title: 'Start' } })
    expect(await ada.credits.balance({})).toMatchObject({ data: { available: 7_000_000 } })
    expect(
      await (await app.as('ada', { email: 'ada@example.com', email_verified: true })).users.register(),
    ).toMatchObject({ success: true })
    expect(await ada.actions.remindAttendees({ eventId })).toEqual({ success: true, data: { queued: 1 } })
    const dispatcher = startDispatcher({ ...app.engine, intervalMs: 20 })
    await expect.poll(() => upstream.received.filter(({ path }) => path === '/emails').length).toBe(1)
    await dispatcher.stop(5_000)
    await checkLedger(database)

    expect(await owner.users.setRole({ userId: 'ada', role: 'admin' })).toMatchObject({ success: true })
    expect(await owner.audit.list({})).toMatchObject({ success: true })
    expect(await ada.records.events.remove({ recordId: eventId })).toMatchObject({ success: true })
    expect(await sweepKeys(database)).toBe(0)
    await sweepAllReservations(database)
    expect(await erase(database, { userId: 'ada', clock })).toMatchObject({ entries: 0 })
    for await (const entry of listAudit(database, { actor: undefined, action: undefined, limit: 1 }))
      expect(entry.action).toBe('audit.erase')
    expect(app.logged.filter(({ level }) => Number(level) >= 40)).toEqual([])
  })

  it('starts a process, which answers, though a table is not stored as the engine would have it', async () => {
    await roles.runAs(roles.migratorUrl, 'alter table events reset (fillfactor)')
    await using directory = await temporaryDirectory('restricted')
    await using server = await startServer({ DATABASE_URL: roles.serverUrl, DATA_DIR: directory.path })
    const answer = await fetch(`${server.url}/api/actions/createEvent`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await mintToken('ada', directory.path)}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ title: 'Launch', startsAt: '2030-01-01T18:00:00Z', capacity: 20 }),
    })
    expect(await answer.json()).toMatchObject({ success: true })
  })

  it.each([
    ['update deputy.audit_log set actor = null', /permission denied for table audit_log/],
    ['delete from deputy.credit_entries', /permission denied for table credit_entries/],
    ['truncate deputy.audit_log', /permission denied for table audit_log/],
    [
      'alter table deputy.audit_log disable trigger audit_log_append_only',
      /must be owner of table audit_log/,
    ],
    ['drop function deputy.refuse_change() cascade', /must be owner of function/],
    ['set session_replication_role = replica', /permission denied to set parameter/],
    [
      `insert into deputy.migrations (hash, created_at, tag) values ('x', 1, '9999_x')`,
      /permission denied for table migrations/,
    ],
    ['create table public.more (id text)', /permission denied for schema public/],
    ['create table deputy.more (id text)', /permission denied for schema deputy/],
    ['alter table events add column more text', /must be owner of table events/],
  ])('cannot: %s', async (text, refused) => {
    await expect(roles.runAs(roles.serverUrl, text)).rejects.toThrow(refused)
  })

  it('does not prune the audit, which is its owner’s', async () => {
    const [server, migrator] = [
      openPostgres({ url: roles.serverUrl }),
      openPostgres({ url: roles.migratorUrl }),
    ]
    try {
      const before = new Date('2020-01-01')
      await expect(prune(server, { before, clock })).rejects.toMatchObject({ sqlstate: '42501' })
      expect(await prune(migrator, { before, clock })).toEqual({ entries: 0, details: 0 })
    } finally {
      await Promise.all([server.close(), migrator.close()])
    }
  })

  it('does not start with a migration that is not applied, and may use what deputy migrate has made', async () => {
    await using copy = await temporaryDirectory('later')
    const [migrations, engineMigrations] = [join(copy.path, 'app'), join(copy.path, 'engine')]
    await cp(MIGRATIONS, migrations, { recursive: true })
    await cp(ENGINE_MIGRATIONS, engineMigrations, { recursive: true })
    await addMigration(migrations, '9001_rooms', 'create table rooms (id serial primary key, name text)')
    await addMigration(engineMigrations, '9000_later', 'create table deputy.later (id text)')
    const place = { databaseUrl: roles.serverUrl, directory: undefined, tables: TABLES, expected }
    const start = () => openDatabase({ ...place, migrations, engineMigrations })
    await expect(start()).rejects.toThrow(
      /^The database lacks 9000_later of the engine, 9001_rooms, and the role app_server_\w+ in DATABASE_URL may not apply migrations\. Run deputy migrate/,
    )
    await migratePostgres(roles.migratorUrl, { migrations, engineMigrations, tables: TABLES })
    const database = await start()
    try {
      for (const sql of [
        `insert into rooms (name) values ('blue')`,
        `update rooms set name = 'red'`,
        `insert into deputy.later values ('x')`,
        'delete from deputy.later',
      ])
        await database.write({ sql, params: [] })
      const { rows } = await database.query({ sql: 'select id::text, name from rooms', params: [] })
      expect(rows).toEqual([['1', 'red']])
    } finally {
      await database.close()
    }
  })
})
