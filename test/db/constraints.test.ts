import { type ActionResult, actionRegistry } from 'deputyjs'
import { type SQL, sql } from 'drizzle-orm'
import { check, index, integer, text, unique, uniqueIndex } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import * as appCollections from '../fixture/collections.ts'
import { action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

const all = { '*': { read: true, create: true, update: true, remove: true } } as const
const rooms = collection('rooms', { name: text() }, { access: all })
/** A constraint of every kind; those that Drizzle cannot say are added to the table by hand. */
const bookings = collection(
  'bookings',
  {
    roomId: text().references(() => rooms.recordId, { onDelete: 'restrict' }),
    seat: integer(),
    slot: integer(),
    title: text(),
    code: text(),
    total: integer(),
    parts: integer(),
    share: integer().generatedAlwaysAs(sql`total / parts`),
  },
  {
    access: { '*': { ...all['*'], read: 'own' } },
    constraints: (booking) => [
      unique('bookings_seat_key').on(booking.seat),
      uniqueIndex('bookings_code_key').on(sql`lower(${booking.code})`),
      index('bookings_title_idx').on(booking.title),
      check('bookings_total_range', sql`${booking.total} between 0 and 100`),
    ],
  },
)
/** Of a quota callers see and write `used` alone. */
const quotas = collection(
  'quotas',
  { used: integer(), cap: integer().notNull().default(5), label: text(), dueAt: text() },
  {
    access: { '*': { ...all['*'], readableFields: ['used'] } },
    constraints: (quota) => [
      check('quotas_cap', sql`${quota.used} <= ${quota.cap}`),
      unique('quotas_cap_key').on(quota.used, quota.cap),
    ],
  },
)
/** What Drizzle knows as unique, and the database checks at COMMIT; and two constraints that Drizzle does not know. */
const desks = collection(
  'desks',
  { place: integer(), floor: integer(), wing: integer() },
  { access: all, constraints: (desk) => [unique('desks_place_key').on(desk.place)] },
)
const collections = { ...appCollections, rooms, bookings, quotas, desks }

const SYSTEM = `record_id text primary key, created_by text, created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null, version integer not null default 1`
const TABLES = `
  create table rooms (${SYSTEM}, name text);
  create table bookings (${SYSTEM}, room_id text, seat integer, slot integer, title text, code text, total integer,
    parts integer, share integer generated always as (total / parts) stored,
    constraint "bookings_room_id_rooms_record_id_fk" foreign key (room_id) references rooms on delete restrict,
    constraint bookings_seat_key unique (seat),
    constraint bookings_total_range check (total between 0 and 100),
    constraint bookings_slots exclude using btree (slot with =));
  create unique index bookings_code_key on bookings (lower(code));
  create index bookings_title_idx on bookings (title);
  create table quotas (${SYSTEM}, used integer, cap integer not null default 5, label text, due_at text not null default '',
    constraint quotas_cap check (used <= cap), constraint quotas_cap_key unique (used, cap));
  create table desks (${SYSTEM}, place integer, floor integer, wing integer,
    constraint desks_place_key unique (place) deferrable initially deferred,
    constraint desks_floor unique (floor) deferrable initially immediate,
    constraint desks_wing exclude using btree (wing with =) deferrable initially deferred);
  create function check_desk() returns trigger language plpgsql as $$ begin
    if new.place < 0 then
      raise exception 'no' using errcode = 'check_violation', table = 'desks', column = 'place', constraint = 'desks_above';
    end if; return null; end $$;
  create constraint trigger desks_checked after insert or update on desks deferrable initially deferred
    for each row execute function check_desk();`

type Data = Readonly<Record<string, unknown>>
type Write = (tools: Loose) => Promise<ActionResult<unknown>>
interface Loose {
  create(name: string, data: Data, id?: string): Promise<ActionResult<unknown>>
  update(name: string, id: string, patch: Data): Promise<ActionResult<unknown>>
  remove(name: string, id: string): Promise<ActionResult<unknown>>
  sql(
    run: (database: { execute(text: SQL): Promise<unknown> }) => Promise<unknown>,
  ): Promise<ActionResult<unknown>>
}

async function open() {
  const writes = new Map<string, Write>()
  const input = z.strictObject({ write: z.string(), who: z.enum(['tools', 'asCaller']) })
  const run = action.input(input).mutation(async ({ ctx, input }) => {
    const write = writes.get(input.write)
    return write ? write(ctx[input.who] as unknown as Loose) : Promise.reject(new Error('No such write'))
  })
  const app = await createTestApp({ actions: actionRegistry({ run }), collections })
  await execute(app.database, app.databaseUrl, TABLES)
  let count = 0
  return {
    app,
    execute: (text: string) => execute(app.database, app.databaseUrl, text),
    /** Runs a write as an action: by the app's authority, or by the caller's. */
    async write(who: 'tools' | 'asCaller', write: Write, userId = 'ada') {
      count += 1
      writes.set(`${count}`, write)
      return (await app.as(userId)).actions.run({ write: `${count}`, who }) as Promise<ActionResult<unknown>>
    },
  }
}

let opened: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  opened = await open()
})
afterAll(() => opened.app[Symbol.asyncDispose]())

let minted = 0
const mint = () => {
  minted += 1
  return minted
}
/** 8 KB that no compression makes smaller than a page of an index may hold. */
const incompressible = () =>
  Array.from({ length: 8_000 }, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('')

/** What breaks a constraint: what is stored before, and the write. */
const CASES: readonly (readonly [
  what: string,
  code: string,
  app: RegExp,
  caller: RegExp,
  before: Write,
  write: (n: number) => Write,
])[] = [
  [
    'a unique value on create',
    'CONFLICT',
    /of "bookings" has the same "seat"/,
    /same "seat"/,
    (tools) => tools.create('bookings', { seat: 1_000_001 }),
    () => (tools) => tools.create('bookings', { seat: 1_000_001 }),
  ],
  [
    'a unique value on update',
    'CONFLICT',
    /same "seat" of "bookings"/,
    /^Another record has the same value in a unique field; values must be unique\.$/,
    (tools) => tools.create('bookings', { seat: 1_000_002 }),
    (n) => async (tools) => {
      await tools.create('bookings', {}, `update-${n}`)
      return tools.update('bookings', `update-${n}`, { seat: 1_000_002 })
    },
  ],
  [
    'an exclusion on create',
    'CONFLICT',
    /excludes these values of "slot" of "bookings" \(constraint "bookings_slots"\)/,
    /^Another record of "bookings" has the same recordId or value of a unique field, or excludes/,
    (tools) => tools.create('bookings', { slot: 1_000_003 }),
    () => (tools) => tools.create('bookings', { slot: 1_000_003 }),
  ],
  [
    'an exclusion on update',
    'CONFLICT',
    /excludes these values \(constraint "bookings_slots"\)/,
    /^Another record excludes these values\.$/,
    (tools) => tools.create('bookings', { slot: 1_000_004 }),
    (n) => async (tools) => {
      await tools.create('bookings', {}, `slot-${n}`)
      return tools.update('bookings', `slot-${n}`, { slot: 1_000_004 })
    },
  ],
  [
    'a foreign key that leads nowhere',
    'CONFLICT',
    /"roomId" of "bookings"/,
    /"roomId" of "bookings"/,
    (tools) => tools.create('rooms', {}),
    () => (tools) => tools.create('bookings', { roomId: 'nowhere' }),
  ],
]

const VALUES: readonly (readonly [string, RegExp, Data])[] = [
  ['a check', /"bookings_total_range", which is about "total" of "bookings"/, { total: 101 }],
  ['a division in a computed column', /division by zero/, { total: 1, parts: 0 }],
  ['a text too large for its index', /"title" of "bookings" is too large/, { title: incompressible() }],
]

describe('what is broken is named, to callers as far as they may read it', () => {
  it.each(CASES)('%s: %s', async (_what, code, app, caller, before, write) => {
    expect(await opened.write('tools', before)).toMatchObject({ success: true })
    const byApp = await opened.write('tools', write(mint()))
    expect(byApp).toMatchObject({ success: false, code, error: expect.stringMatching(app) })
    const byCaller = await opened.write('asCaller', write(mint()))
    expect(byCaller).toMatchObject({ success: false, code, error: expect.stringMatching(caller) })
  })

  it.each(VALUES)('%s, on create, by merge and on update', async (_what, app, data) => {
    const ways: Write[] = [
      (tools) => tools.create('bookings', data),
      (tools) => tools.create('bookings', data, `merged-${mint()}`),
      async (tools) => {
        const id = `patched-${mint()}`
        await tools.create('bookings', {}, id)
        return tools.update('bookings', id, data)
      },
    ]
    for (const who of ['tools', 'asCaller'] as const) {
      for (const way of ways) {
        const answer = await opened.write(who, way)
        expect(answer).toMatchObject({ code: 'BAD_REQUEST', error: expect.stringMatching(app) })
      }
    }
  })

  it('a constraint with a field that is hidden from the caller is not named to them', async () => {
    const over: Write = (tools) => tools.create('quotas', { used: 9 })
    expect(await opened.write('tools', over)).toMatchObject({
      code: 'BAD_REQUEST',
      error: 'The record breaks the rule "quotas_cap", which is about "used", "cap" of "quotas".',
    })
    expect(await opened.write('asCaller', over)).toMatchObject({
      code: 'BAD_REQUEST',
      error: 'The record breaks a rule of the database.',
    })
    expect(await opened.write('tools', (tools) => tools.create('quotas', { used: 1 }))).toMatchObject({
      success: true,
    })
    const same: Write = (tools) => tools.create('quotas', { used: 1 })
    expect(await opened.write('tools', same)).toMatchObject({
      error: expect.stringContaining('"used" and "cap"'),
    })
    expect(await opened.write('asCaller', same)).toMatchObject({ error: expect.not.stringContaining('cap') })
  })

  it('a record that is still referred to under RESTRICT is a conflict on every version', async () => {
    const n = mint()
    const made = await opened.write('tools', async (tools) => {
      await tools.create('rooms', {}, `room-${n}`)
      return tools.create('bookings', { roomId: `room-${n}` })
    })
    expect(made).toMatchObject({ success: true })
    const byApp = await opened.write('tools', (tools) => tools.remove('rooms', `room-${n}`))
    expect(byApp).toMatchObject({
      code: 'CONFLICT',
      error: expect.stringContaining('"roomId" of "bookings"'),
    })
    const byCaller = await opened.write('asCaller', (tools) => tools.remove('rooms', `room-${n}`))
    expect(byCaller).toMatchObject({ code: 'CONFLICT', error: expect.not.stringContaining('bookings') })
  })

  it('NOT NULL names the field as the collection calls it', async () => {
    const empty: Write = (tools) => tools.create('quotas', { dueAt: null })
    expect(await opened.write('tools', empty)).toMatchObject({
      code: 'BAD_REQUEST',
      error: 'Field "dueAt" of "quotas" may not be empty.',
    })
  })

  it('an index over an expression is named by its constraint on create, and leaves the attempt usable', async () => {
    await opened.write('tools', (tools) => tools.create('bookings', { code: 'ABC' }))
    const codes: string[] = []
    const answer = await opened.write('tools', async (tools) => {
      const failed = await tools.create('bookings', { code: 'abc' })
      codes.push(failed.error ?? '')
      return tools.create('bookings', { code: `free-${mint()}` })
    })
    expect(codes).toEqual(['Another record of "bookings" has the same "code"; values must be unique.'])
    expect(answer).toMatchObject({ success: true })
  })
})

describe('a deferrable constraint', () => {
  const ROWS: readonly (readonly [string, (n: number) => Write])[] = [
    ['create', (n) => (tools) => tools.create('desks', { place: n, floor: n, wing: n })],
    [
      'create with an id',
      (n) => (tools) => tools.create('desks', { place: n, floor: n, wing: n }, `desk-${n}`),
    ],
    [
      'merge',
      (n) => async (tools) => {
        await tools.create('desks', { place: n }, `desk-${n}`)
        return tools.create('desks', { floor: n, wing: n }, `desk-${n}`)
      },
    ],
  ]

  it.each(ROWS)('lets records be made: %s', async (_what, write) => {
    for (const who of ['tools', 'asCaller'] as const)
      expect(await opened.write(who, write(mint()))).toMatchObject({ success: true })
  })

  it('lets two records swap their values within a call', async () => {
    const [a, b] = [mint(), mint()]
    const answer = await opened.write('tools', async (tools) => {
      await tools.create('desks', { place: a }, `swap-${a}`)
      await tools.create('desks', { place: b }, `swap-${b}`)
      await tools.update('desks', `swap-${a}`, { place: b })
      return tools.update('desks', `swap-${b}`, { place: a })
    })
    expect(answer).toMatchObject({ success: true })
  })

  it('that is broken at COMMIT names its fields, also those that the collection does not declare', async () => {
    const n = mint()
    await opened.write('tools', (tools) => tools.create('desks', { place: n, floor: n, wing: n }))
    for (const who of ['tools', 'asCaller'] as const) {
      const made = (data: Data) => opened.write(who, (tools) => tools.create('desks', data))
      expect(await made({ place: n })).toMatchObject({
        code: 'CONFLICT',
        error: 'Another record has the same "place" of "desks"; values must be unique.',
      })
      expect(await made({ wing: n })).toMatchObject({
        code: 'CONFLICT',
        error: 'Another record excludes these values of "wing" of "desks" (constraint "desks_wing").',
      })
      expect(await made({ floor: n })).toMatchObject({
        code: 'CONFLICT',
        error: expect.stringContaining('constraint "desks_floor"'),
      })
      expect(await made({ place: -n })).toMatchObject({
        code: 'BAD_REQUEST',
        error: 'The record breaks the rule "desks_above", which is about "place" of "desks".',
      })
    }
    const { rows } = await opened.app.database.query({
      sql: 'select count(*) from desks where place = $1 or wing = $1 or place = -$1',
      params: [n],
    })
    expect(Number(rows[0]?.[0])).toBe(1)
  })

  it('does not name at COMMIT what is hidden from the caller', async () => {
    await opened.execute(`alter table quotas drop constraint quotas_cap_key;
      alter table quotas add constraint quotas_cap_key unique (used, cap) deferrable initially deferred`)
    await opened.write('tools', (tools) => tools.create('quotas', { used: 3 }))
    const same: Write = (tools) => tools.create('quotas', { used: 3 })
    expect(await opened.write('tools', same)).toMatchObject({ error: expect.stringContaining('"cap"') })
    expect(await opened.write('asCaller', same)).toMatchObject({
      code: 'CONFLICT',
      error: 'Another record has the same value in a unique field; values must be unique.',
    })
  })
})

it('a column that is gone under a running server is 503, in tools.sql it is 500', async () => {
  await opened.execute('alter table rooms rename column name to title')
  const answer = await opened.write('tools', (tools) => tools.create('rooms', { name: 'x' }))
  const own = opened.write('tools', (tools) =>
    tools.sql((database) => database.execute(sql`select name from rooms`)),
  )
  await expect(own).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
  await opened.execute('alter table rooms rename column title to name')
  expect(answer).toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
})
