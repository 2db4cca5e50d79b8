import { actionRegistry } from 'deputyjs'
import { and, eq, gt, lte, sql } from 'drizzle-orm'
import { boolean, check, integer, pgEnum, text, varchar } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { RuleActor } from '../../drizzle/engine/access.ts'
import { collection } from '../../drizzle/engine/collection.ts'
import { DefinitionError } from '../../server/core/errors.ts'
import { createCatalog } from '../../server/tools/catalog.ts'
import { action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

const OWN = { read: 'own', create: 'own', update: 'own', remove: 'own' } as const
const profile = {
  name: text(),
  email: text(),
  imageUrl: text(),
  role: text().notNull().default('member'),
  bio: text(),
}
const users = collection('users', profile, {
  systemManaged: ['name', 'email', 'imageUrl', 'role'],
  access: { '*': OWN },
})
/** Named as a part of a statement once was. */
const seen = collection('seen', { note: text() })
const children = collection(
  'children',
  { note: text() },
  {
    access: { member: { read: 'own', update: 'own', create: () => sql`not exists (select 1 from ${seen})` } },
  },
)
const orders = collection(
  'orders',
  { ownerId: text(), price: integer().notNull(), quantity: integer().notNull() },
  {
    ownerField: 'ownerId',
    access: {
      member: {
        read: 'own',
        create: 'own',
        // The owner comes last, so that only what may be asked keeps the rule from being worked out.
        update: ({ userId }: RuleActor, order) =>
          and(lte(sql`${order.price} * ${order.quantity}`, 100_000), eq(order.ownerId, String(userId))),
        remove: ({ userId }: RuleActor, order) =>
          and(gt(sql`100 / ${order.quantity}`, 0), eq(order.ownerId, String(userId))),
      },
    },
    constraints: (order) => [check('orders_price_positive', gt(order.price, 0))],
  },
)
const lots = collection(
  'lots',
  {
    pin: integer().notNull().default(sql`(floor(random() * 2))::int`),
  },
  { access: { member: { read: true, create: (_actor, lot) => eq(lot.pin, 0) } } },
)
const papers = collection(
  'papers',
  { ownerId: text(), readers: varchar({ length: 50 }).array() },
  {
    ownerField: 'ownerId',
    collaboratorsField: 'readers',
    access: { member: { read: 'collaborator', create: 'own' } },
  },
)
const paperState = pgEnum('paperState', ['draft', 'final'])
const drafts = collection(
  'drafts',
  { state: paperState().notNull().default('draft'), states: paperState().array() },
  { access: { member: OWN } },
)
const rooms = collection('rooms', { name: text(), hidden: boolean() }, { access: { member: OWN } })
const bookings = collection('bookings', { secretRoom: text().references(() => rooms.recordId) })

const SYSTEM = `record_id text primary key, created_by text, created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(), version integer not null default 1`
const TABLES = `
  alter table users add column bio text;
  create table seen (${SYSTEM}, note text);
  create table children (${SYSTEM}, note text);
  create table orders (${SYSTEM}, owner_id text, price integer not null, quantity integer not null,
    constraint orders_price_positive check (price > 0));
  create table lots (${SYSTEM}, pin integer not null default (floor(random() * 2))::int);
  create table papers (${SYSTEM}, owner_id text, readers varchar(50)[]);
  create type "paperState" as enum ('draft', 'final');
  create table drafts (${SYSTEM}, state "paperState" not null default 'draft', states "paperState"[]);
  create table rooms (${SYSTEM}, name text, hidden boolean, exclude using btree (name with =));
  create table bookings (${SYSTEM}, secret_room text, constraint bookings_secret_room_rooms_record_id_fk
    foreign key (secret_room) references rooms (record_id))`

const registerUser = action
  .input(z.strictObject({ userId: z.string() }))
  .mutation(({ ctx, input }) => ctx.tools.registerUser(input))

const open = () =>
  createTestApp({
    collections: { users, seen, children, orders, lots, papers, drafts, rooms, bookings },
    actions: actionRegistry({ registerUser }),
  })
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
  await execute(app.database, app.databaseUrl, TABLES)
})
afterAll(() => app[Symbol.asyncDispose]())
const run = (text: string) => execute(app.database, app.databaseUrl, text)

describe('people', () => {
  it('are no collection whose role callers could write', () => {
    const open = collection('users', profile, { systemManaged: ['name', 'email'], access: { '*': OWN } })
    expect(() => createCatalog({ users: open })).toThrow(DefinitionError)
    expect(() => createCatalog({ users: open })).toThrow('systemManaged must name imageUrl, role')
  })

  it('own the row that is about them, whoever has made it', async () => {
    const [ada, bob] = [await app.as('ada'), await app.as('bob')]
    await ada.actions.registerUser({ userId: 'bob' })
    expect(await ada.records.users.get({ recordId: 'bob' })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await ada.records.users.update({ recordId: 'bob', patch: { bio: 'x' } })).toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await bob.records.users.update({ recordId: 'bob', patch: { bio: 'mine' } })).toMatchObject({
      success: true,
    })
    const squatting = await ada.records.users.create({ recordId: 'carol', data: { bio: 'x' } })
    expect(squatting).toMatchObject({ code: 'FORBIDDEN' })
  })
})

describe('a rule', () => {
  it('means the collections that it names, whatever they are called', async () => {
    await run(`insert into seen (record_id) values ('one')`)
    const { children } = (await app.as('ada')).records
    expect(await children.create({ data: {} })).toMatchObject({ code: 'FORBIDDEN' })
    expect(await children.create({ recordId: 'by-put', data: {} })).toMatchObject({ code: 'FORBIDDEN' })
  })

  it('is not worked out for a record that the caller may not read, on whose values it might fail', async () => {
    await run(
      `insert into orders (record_id, owner_id, price, quantity) values ('of-olga', 'olga', 73, 1), ('none-of-olga', 'olga', 73, 0)`,
    )
    const { orders } = (await app.as('eve')).records
    for (const quantity of [1, 100_000, 29_417_585, 2_000_000_000]) {
      const patched = await orders.update({ recordId: 'of-olga', patch: { quantity } })
      expect(patched).toEqual(await orders.update({ recordId: 'of-olga', patch: { quantity: 1 } }))
      expect(patched).toMatchObject({ code: 'NOT_FOUND' })
    }
    expect(await orders.remove({ recordId: 'none-of-olga' })).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('is asked about the record that is stored, even where a default differs each time', async () => {
    const { lots } = (await app.as('ada')).records
    let created = 0
    for (let n = 0; n < 40; n += 1) created += (await lots.create({ data: {} })).success ? 1 : 0
    expect(created).toBeGreaterThan(0)
    expect(await lots.count({ where: { pin: 0 } })).toMatchObject({ data: { count: created } })
    expect(await lots.count()).toMatchObject({ data: { count: created } })
  })
})

describe('an id that is taken by what the caller may not read', () => {
  it('is answered as a free one, where the record breaks a check', async () => {
    await run(`insert into orders (record_id, owner_id, price, quantity) values ('taken', 'olga', 1, 1)`)
    const { orders } = (await app.as('eve')).records
    const data = { ownerId: 'eve', price: -1, quantity: 1 }
    const free = await orders.create({ recordId: 'free', data })
    expect(free).toMatchObject({ code: 'BAD_REQUEST' })
    expect(await orders.create({ recordId: 'taken', data })).toEqual(free)
    expect(await orders.create({ recordId: 'taken', data: { ...data, price: 1 } })).toMatchObject({
      code: 'CONFLICT',
    })
  })
})

describe('columns of other types', () => {
  it('hold collaborators', async () => {
    const [ada, bob] = [await app.as('ada'), await app.as('bob')]
    const data = { ownerId: 'ada', readers: ['bob', 'it"s, {odd}'] }
    expect(await ada.records.papers.create({ recordId: 'p', data })).toMatchObject({ success: true })
    expect(await bob.records.papers.get({ recordId: 'p' })).toMatchObject({ success: true })
    const odd = await app.as('it"s, {odd}')
    expect(await odd.records.papers.count()).toMatchObject({ data: { count: 1 } })
    expect(await (await app.as('it')).records.papers.count()).toMatchObject({ data: { count: 0 } })
  })

  it('are enums in mixed case', async () => {
    const { drafts } = (await app.as('ada')).records
    const data = { state: 'final' as const, states: ['draft' as const, 'final' as const] }
    expect(await drafts.create({ recordId: 'd', data })).toMatchObject({ success: true })
    expect(await drafts.create({ data: {} })).toMatchObject({ success: true })
    const final = await drafts.list({ where: { state: { in: ['final'] } } })
    expect(final).toMatchObject({ data: { records: [{ data }] } })
    const first = await drafts.list({ orderBy: 'state', limit: 1 })
    const cursor = first.success ? (first.data.nextCursor ?? undefined) : undefined
    expect(await drafts.list({ orderBy: 'state', limit: 1, cursor })).toMatchObject({ data: { count: 1 } })
  })
})

describe('a constraint that a write breaks', () => {
  it('is a conflict when it excludes another record, on creation and on update', async () => {
    const { rooms } = (await app.as('ada')).records
    expect(await rooms.create({ recordId: 'r1', data: { name: 'blue' } })).toMatchObject({ success: true })
    expect(await rooms.create({ recordId: 'r2', data: { name: 'red' } })).toMatchObject({ success: true })
    expect(await rooms.create({ data: { name: 'blue' } })).toMatchObject({ code: 'CONFLICT' })
    expect(await rooms.update({ recordId: 'r2', patch: { name: 'blue' } })).toMatchObject({
      code: 'CONFLICT',
    })
  })

  it('names no collection that the caller has not written', async () => {
    const { rooms } = (await app.as('ada')).records
    await rooms.create({ recordId: 'booked', data: { name: 'green' } })
    await run(`insert into bookings (record_id, secret_room) values ('b', 'booked')`)
    const removed = await rooms.remove({ recordId: 'booked' })
    expect(removed).toMatchObject({ code: 'CONFLICT' })
    expect(JSON.stringify(removed)).not.toMatch(/bookings|secretRoom/)
  })
})

it('a page that ends with a value too long for a cursor is gone on from', async () => {
  const { rooms } = (await app.as('pat')).records
  for (const name of ['x', 'y'])
    await rooms.create({ recordId: `long-${name}`, data: { name: name.repeat(8_000) } })
  const page = await rooms.list({ orderBy: 'name', orderDir: 'asc', limit: 1 })
  expect(page).toMatchObject({ success: true, data: { records: [{ recordId: 'long-x' }] } })
  const cursor = page.success ? page.data.nextCursor : null
  const next = await rooms.list({ orderBy: 'name', orderDir: 'asc', limit: 1, cursor })
  expect(next).toMatchObject({ success: true, data: { records: [{ recordId: 'long-y' }] } })
  expect(await rooms.list({ limit: 1 })).toMatchObject({ success: true })
})
