import { index, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import type { Statement } from '../../server/db/database.ts'
import * as collections from '../fixture/collections.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

const rules = { read: 'own' } as const
const drafts = collection(
  'drafts',
  { title: text() },
  {
    access: { member: rules },
    constraints: (draft) => [index('drafts_own_idx').on(draft.createdBy, draft.createdAt, draft.recordId)],
  },
)
const tasks = collection(
  'tasks',
  { ownerId: text(), people: text().array(), teamId: text() },
  {
    ownerField: 'ownerId',
    collaboratorsField: 'people',
    teamField: 'teamId',
    access: { member: { read: 'team' }, '*': rules },
  },
)
const members = collection('team_members', { teamId: text(), userId: text(), status: text() })
const open = () => createTestApp({ collections: { ...collections, drafts, tasks, members } })

const SYSTEM = `record_id text primary key, created_by text, created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(), version integer not null default 1`
const TABLES = `
  create table drafts (${SYSTEM}, title text);
  create index drafts_created_at_idx on drafts (created_at, record_id);
  create index drafts_own_idx on drafts (created_by, created_at, record_id);
  create table tasks (${SYSTEM}, owner_id text, people text[], team_id text);
  create index tasks_created_at_idx on tasks (created_at, record_id);
  create index tasks_owner_idx on tasks (owner_id, created_at, record_id);
  create index tasks_people_idx on tasks using gin (people);
  create index tasks_team_idx on tasks (team_id, created_at, record_id);
  create table team_members (${SYSTEM}, team_id text, user_id text, status text);
  create index team_members_user_idx on team_members (user_id, team_id)`

let app: Awaited<ReturnType<typeof open>>
const sent: Statement[] = []
beforeAll(async () => {
  app = await open()
  await execute(
    app.database,
    app.databaseUrl,
    `${TABLES};
     insert into drafts (record_id, created_by, created_at)
       select 'd-' || n, 'user-' || n % 1000, now() - n * interval '1 second' from generate_series(1, 100000) n;
     insert into tasks (record_id, owner_id, people, team_id)
       select 't-' || n, 'user-' || n % 1000, array['user-' || n % 997], 'team-' || n % 500
       from generate_series(1, 100000) n;
     insert into team_members (record_id, team_id, user_id, status)
       select 'm-' || n, 'team-' || n % 500, 'user-' || n % 1000, 'active' from generate_series(1, 2000) n;
     insert into events (record_id, created_by, created_at, updated_at, title, starts_at, capacity, visibility)
       select 'e-' || n, 'user-' || n % 1000, now() - n * interval '1 second', now(), 'title', now(), 10,
         case when n % 100 = 0 then 'public' else 'private' end
       from generate_series(1, 100000) n;
     insert into attendees (record_id, created_at, updated_at, event_id, attendee_id)
       select 'a-' || n, now() - n * interval '1 second', now(), 'e-' || n, 'user-' || n % 999
       from generate_series(1, 100000) n;
     insert into users (record_id, created_at, updated_at)
       select 'user-' || n, now(), now() from generate_series(0, 999) n;
     analyze`,
  )
  // The engine reads through the object that the app was given; what it sends is noted on the way.
  const { query } = app.database
  app.database.query = (statement) => {
    // Who is blocked is read beside it, from time to time.
    if (!statement.sql.includes('blocked_users')) sent.push(statement)
    return query(statement)
  }
}, 120_000)
afterAll(() => app[Symbol.asyncDispose]())

/** The plan of the last statement that was sent, as a connection of any settings would make it. */
async function planOfLast(settings: string): Promise<string> {
  const last = sent.at(-1)
  if (!last) throw new Error('Nothing was sent')
  const lease = await app.database.acquire()
  try {
    await lease.session.control(settings)
    const { rows } = await lease.session.query({ sql: `explain ${last.sql}`, params: last.params })
    return rows.map(([line]) => String(line)).join('\n')
  } finally {
    await lease.session.close()
    lease.release()
  }
}

const LISTS = [
  ['what is one’s own', 'user-7', 'drafts', ['drafts_own_idx'], /Sort/],
  ['what is public, by nobody', undefined, 'events', ['events_visibility_created_at_idx'], /Sort/],
  ['what is one’s own or public', 'user-7', 'events', ['events_created_at_idx'], /Sort/],
  [
    'attendees, by one of them',
    'user-7',
    'attendees',
    [
      'attendees_attendee_created_at_idx',
      'attendees_event_created_at_idx',
      'events_created_by_created_at_idx',
    ],
    /Seq Scan/,
  ],
  ['what is of one’s team', 'user-7', 'tasks', ['tasks_created_at_idx', 'team_members_user_idx'], /Seq Scan/],
] as const

describe('with 100 000 records', () => {
  it.each(LISTS)('the list of %s uses indexes', async (_what, user, collection, indexes, never) => {
    const caller = user === undefined ? app.createCaller() : await app.as(user)
    const page = await caller.records[collection].list({ limit: 50 })
    expect(page).toMatchObject({ success: true, data: { count: 50 } })
    for (const settings of ['set enable_seqscan = on', 'set enable_seqscan = off']) {
      const plan = await planOfLast(settings)
      for (const index of indexes) expect(plan).toContain(index)
      expect(plan).not.toMatch(/Seq Scan/)
      expect(plan).not.toMatch(never)
    }
  })

  it('the pages of all data that the owner sees are read from an index', async () => {
    const { data } = await app.as('owner')
    let cursor: string | undefined
    for (let page = 1; page <= 3; page += 1) {
      const read = await data.list({
        collection: 'events',
        limit: 50,
        ...(cursor === undefined ? {} : { cursor }),
      })
      if (!read.success) throw new Error(read.error)
      expect(read.data.count).toBe(50)
      const plan = await planOfLast('set enable_seqscan = on')
      expect(plan).toContain('events_created_at_idx')
      expect(plan).not.toMatch(/Seq Scan|Sort/)
      cursor = read.data.nextCursor ?? undefined
    }
    expect(await data.get({ collection: 'events', recordId: 'e-7' })).toMatchObject({ success: true })
    expect(await planOfLast('set enable_seqscan = on')).toContain('events_pkey')
  })

  it('the count of what is of one’s team puts the index of each part together', async () => {
    const caller = await app.as('user-7')
    expect(await caller.records.tasks.count()).toMatchObject({ success: true })
    const plan = await planOfLast('set enable_seqscan = on')
    for (const index of ['tasks_owner_idx', 'tasks_people_idx', 'tasks_team_idx', 'team_members_user_idx'])
      expect(plan).toContain(index)
    expect(plan).toContain('BitmapOr')
  })
})
