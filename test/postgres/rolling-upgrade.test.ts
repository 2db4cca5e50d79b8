import { randomBytes } from 'node:crypto'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isCollection } from '../../drizzle/engine/collection.ts'
import * as system from '../../drizzle/engine/system.ts'
import type { Database } from '../../server/db/database.ts'
import { ENGINE_MIGRATIONS } from '../../server/db/migrate.ts'
import { SAFE_MARK } from '../../server/db/migration-folder.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { addMigration } from '../db/empty-database.ts'
import * as collections from '../fixture/collections.ts'
import { createProbe } from '../invocation/probe.ts'
import { openTestDatabase } from '../support/database.ts'
import { temporaryDirectory } from '../support/guarded.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { connectAsAdmin } from './admin.ts'

const expected = [...Object.values(collections).filter(isCollection), ...Object.values(system)]
const CALLERS = 8
const CALLS_AFTER = 60

/** The next version: one more migration of the engine, and one of the app. */
async function nextVersion(app: string, engine = 'create table deputy.next (id text primary key)') {
  const copy = await temporaryDirectory('next')
  const [migrations, engineMigrations] = [join(copy.path, 'app'), join(copy.path, 'engine')]
  await cp(MIGRATIONS, migrations, { recursive: true })
  await cp(ENGINE_MIGRATIONS, engineMigrations, { recursive: true })
  await addMigration(engineMigrations, '9000_engine', `${SAFE_MARK}\n${engine}`)
  await addMigration(migrations, '9000_app', `${SAFE_MARK}\n${app}`)
  return {
    open: (databaseUrl: string | undefined, lockPatienceMs?: number) =>
      openDatabase({
        databaseUrl,
        directory: undefined,
        migrations,
        engineMigrations,
        tables: TABLES,
        expected,
        lockPatienceMs,
      }),
    [Symbol.asyncDispose]: () => copy[Symbol.asyncDispose](),
  }
}

const columnsOf = async (database: Database, table: string) =>
  (
    await database.query({
      sql: 'select attname::text from pg_attribute where attrelid = to_regclass($1) and attnum > 0',
      params: [table],
    })
  ).rows.flat()

/** Calls each with a key of its own, in order: they are counted, and can be repeated. */
function invitations(eventIds: readonly string[], tokenOf: (server: TestApp) => Promise<string>) {
  const answers = new Map<string, unknown>()
  const call = async (server: TestApp, key: string) => {
    const nth = Number(key.split('-')[1])
    const eventId = eventIds[nth % eventIds.length] ?? ''
    const caller = server.createCaller({ token: await tokenOf(server), idempotencyKey: key })
    return caller.actions.inviteAttendee({ eventId, attendeeId: key }).catch((error: unknown) => error)
  }
  return {
    answers,
    async next(server: TestApp) {
      const key = `call-${answers.size}`
      answers.set(key, undefined)
      answers.set(key, await call(server, key))
    },
    repeat: call,
  }
}

describe('while the next version starts on the same database', () => {
  it('no call of the old one fails, and none is done twice', async () => {
    const fingerprintKey = randomBytes(32)
    await using old = await createTestApp({ fingerprintKey })
    await using next = await nextVersion(
      `alter table events add column location text; alter table attendees add column note text not null default '';
       select pg_sleep(0.3)`,
      `alter table deputy.audit_log add column region text;
       alter table deputy.idempotency_results add column region text not null default 'eu'; select pg_sleep(0.3)`,
    )
    const ada = await old.as('ada')
    const eventIds: string[] = []
    for (let n = 0; n < 4; n += 1) {
      const event = { title: `${n}`, startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 100_000 }
      const created = await ada.actions.createEvent(event)
      eventIds.push(created.success ? created.data.recordId : '')
    }
    const calls = invitations(eventIds, (server) => server.token('ada'))
    let servers: readonly TestApp[] = [old]
    let left = Number.POSITIVE_INFINITY
    const calling = Array.from({ length: CALLERS }, async (_, caller) => {
      for (let turn = 0; left > 0; turn += 1, left -= 1)
        await calls.next(servers[(caller + turn) % servers.length] ?? old)
    })
    await expect.poll(() => calls.answers.size).toBeGreaterThan(CALLERS)
    const before = calls.answers.size
    const database = await next.open(old.databaseUrl)
    // They went on while it was migrated.
    expect(calls.answers.size).toBeGreaterThan(before)
    await using upgraded = await createTestApp({
      fingerprintKey,
      opened: { database, url: old.databaseUrl, [Symbol.asyncDispose]: () => database.close() },
    })
    servers = [old, upgraded]
    left = CALLS_AFTER
    await Promise.all(calling)

    expect(await columnsOf(database, 'events')).toContain('location')
    expect(await columnsOf(database, 'deputy.audit_log')).toContain('region')
    for (const [key, answer] of calls.answers) {
      expect(answer).toMatchObject({ success: true })
      // Whichever server it was called on, the other one knows it.
      expect(await calls.repeat(upgraded, key)).toEqual(answer)
    }
    const { rows } = await database.query({
      sql: `select (select count(*) from attendees), (select count(distinct attendee_id) from attendees),
        (select sum(attendee_count) from events), (select count(*) from deputy.audit_log where action = 'inviteAttendee' and outcome = 'OK')`,
      params: [],
    })
    expect(rows.flat().map(Number)).toEqual(Array(4).fill(calls.answers.size))
  })

  it('a transaction that holds a table keeps the migration waiting, and no reader behind it', async () => {
    await using probe = await createProbe()
    await using admin = connectAsAdmin(probe)
    await using next = await nextVersion('alter table events add column location text')
    const eventId = await probe.newEvent()
    const holder = await admin.sql.reserve()
    await holder`begin`
    await holder`select count(*) from events`
    const starting = next.open(admin.url)
    await expect.poll(() => waitsForEvents(admin)).toBe(1)
    // It waits in front of them; they come through though the table is held all the time.
    for (let n = 0; n < 3; n += 1) expect(await probe.event(eventId)).toMatchObject({ attendeeCount: 0 })
    await expect.poll(() => waitsForEvents(admin)).toBe(1)
    await holder`commit`
    holder.release()
    const database = await starting
    expect(await columnsOf(database, 'events')).toContain('location')
    await database.close()
  })

  it('a table that is held for too long is named with what to do, and nothing of the file is kept', async () => {
    await using opened = await openTestDatabase()
    await using admin = connectAsAdmin({ app: { databaseUrl: opened.url } })
    await using next = await nextVersion(
      'create table rooms (id text);\n--> statement-breakpoint\nalter table events add column location text',
    )
    const holder = await admin.sql.reserve()
    await holder`begin`
    await holder`select count(*) from events`
    await expect(next.open(admin.url, 1_500)).rejects.toThrow(
      /^Migration 9000_app\.sql failed in line 4, .*lock timeout \(SQLSTATE 55P03\)[\s\S]*What to do: a transaction elsewhere holds the table/,
    )
    await holder`commit`
    holder.release()
    expect(await columnsOf(opened.database, 'rooms')).toEqual([])
    await (await next.open(admin.url)).close()
    expect(await columnsOf(opened.database, 'rooms')).toEqual(['id'])
  })
})

async function waitsForEvents(admin: ReturnType<typeof connectAsAdmin>): Promise<number> {
  const [row] = await admin.sql<{ count: number }[]>`
    select count(*)::int from pg_locks where relation = 'events'::regclass and not granted and mode = 'AccessExclusiveLock'`
  return row?.count ?? -1
}
