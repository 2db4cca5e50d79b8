import { type ActionResult, actionRegistry, fail, ok } from 'deputyjs'
import { and, eq, exists, lt, type SQL, sql } from 'drizzle-orm'
import {
  alias,
  bigint,
  integer,
  jsonb,
  numeric,
  QueryBuilder,
  serial,
  text,
  timestamp,
  varchar,
} from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import type { CallerRecords } from '../../server/records/types.ts'
import type { AnyCollections } from '../../server/tools/types.ts'
import * as collections from '../fixture/collections.ts'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

/** Rules that look at what a write makes of every kind of column. */
const looked = collection(
  'looked',
  {
    price: integer().notNull().default(5),
    doubled: integer().generatedAlwaysAs((): SQL => sql`${looked.price} * 2`),
    stamp: text().$defaultFn(() => 'made'),
    touched: text().$onUpdateFn(() => 'changed'),
    note: text().default(sql`lower('NOTE')`),
    payload: jsonb(),
    tags: text().array(),
    amount: numeric({ precision: 10, scale: 2 }),
    big: bigint({ mode: 'bigint' }),
    shortCode: varchar({ length: 3 }),
    at: timestamp({ withTimezone: true, precision: 3 }),
    number: serial(),
    parentId: text(),
  },
  {
    access: {
      member: { read: true, create: (_actor, row) => cheap(row), update: (_actor, row) => cheap(row) },
    },
  },
)

/** A rule that Postgres cannot work out. */
const broken = collection(
  'looked_at',
  { price: integer() },
  { access: { member: { read: (_actor, row) => sql`1 / (${row.price} - ${row.price}) = 1` } } },
)

/** Every part of it is true of a new record with the defaults. */
function cheap(
  row: {
    [K in 'doubled' | 'price' | 'note' | 'payload' | 'tags' | 'amount' | 'big' | 'at' | 'parentId']: unknown
  },
): SQL {
  const other = alias(looked, 'other')
  const parent = new QueryBuilder({ casing: 'snake_case' })
    .select()
    .from(other)
    .where(and(eq(other.recordId, sql`${row.parentId}`), lt(other.price, 6)))
  return sql`${row.doubled} <= 20 and ${row.note} is not null
    and coalesce(${row.payload} ->> 'kind', 'fine') = 'fine' and not coalesce(${row.tags} @> array['bad'], false)
    and coalesce(${row.amount}, 0) < 10.5 and coalesce(${row.big}, 0) < 9007199254740993
    and coalesce(${row.at}, now()) > '2020-01-01' and (${row.parentId} is null or ${exists(parent)})`
}

const TABLE = `create table looked (
  record_id text primary key, created_by text, created_at timestamptz(3) not null, updated_at timestamptz(3) not null,
  version integer not null default 1, price integer not null default 5,
  doubled integer generated always as (price * 2) stored, stamp text, touched text, note text default lower('NOTE'),
  payload jsonb, tags text[], amount numeric(10, 2), big bigint, short_code varchar(3), at timestamptz(3),
  number serial, parent_id text)`

const BROKEN = `create table looked_at (
  record_id text primary key, created_by text, created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(), version integer not null default 1, price integer);
  insert into looked_at (record_id, price) values ('x', 1)`

type Records = CallerRecords<AnyCollections>
type Handler = (records: Records, ctx: ActionContext) => Promise<ActionResult<unknown>>

async function open() {
  const handlers = new Map<string, Handler>()
  const input = z.strictObject({ id: z.string() })
  const handle = ({ ctx, input }: { ctx: unknown; input: { id: string } }) => {
    const context = ctx as ActionContext
    const handler = handlers.get(input.id)
    if (!handler) throw new Error('No such handler')
    return handler(context.asCaller as unknown as Records, context)
  }
  const actions = actionRegistry({
    run: action.input(input).mutation(handle),
    read: action.input(input).query(handle),
  })
  const app = await createTestApp({ actions, collections: { ...collections, looked, broken } })
  await execute(app.database, app.databaseUrl, `${TABLE}; ${BROKEN}`)
  const call = async (kind: 'run' | 'read', handler: Handler, user = 'ada') => {
    const id = String(handlers.size)
    handlers.set(id, handler)
    return (await app.as(user)).actions[kind]({ id })
  }
  return Object.assign(app, { run: call.bind(undefined, 'run'), reads: call.bind(undefined, 'read') })
}

let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
})
afterAll(() => app[Symbol.asyncDispose]())

const event = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 10 }

describe('asCaller', () => {
  it('sees what the action has written, and is undone with it', async () => {
    const undone = await app.run(async (records, { tools }) => {
      const made = await tools.create('events', { ...event, title: 'Undone' })
      if (!made.success) return made
      expect(await records.get('events', made.data.recordId)).toMatchObject({ success: true })
      expect(await records.update('events', made.data.recordId, { title: 'Changed' } as never)).toMatchObject(
        {
          success: true,
        },
      )
      return fail('CONFLICT', 'Never mind.')
    })
    expect(undone).toMatchObject({ code: 'CONFLICT' })
    const ada = await app.as('ada')
    expect(await ada.records.events.count({ where: { title: { in: ['Undone', 'Changed'] } } })).toMatchObject(
      {
        data: { count: 0 },
      },
    )
  })

  it('leaves the action usable after what it refuses', async () => {
    const { recordId } = dataOf(await (await app.as('olga')).records.events.create({ data: event }))
    const result = await app.run(async (records, { tools }) => {
      const refused = [
        await records.get('events', recordId),
        await records.update('events', recordId, { title: 'x' } as never),
        await records.remove('events', recordId),
        await records.create('events', { ...event, title: 'x' } as never, recordId),
        await records.create('attendees', { eventId: recordId, attendeeId: 'ada' } as never),
        await records.create('events', { nothing: 1 } as never),
        await records.query('nothing'),
        await records.may('remove', 'events', recordId),
      ]
      expect(refused.map((each) => !each.success && each.code)).toEqual([
        'NOT_FOUND',
        'NOT_FOUND',
        'NOT_FOUND',
        'CONFLICT',
        'FORBIDDEN',
        'BAD_REQUEST',
        'NOT_FOUND',
        'NOT_FOUND',
      ])
      return tools.create('events', { ...event, title: 'After all' })
    })
    expect(result).toMatchObject({ success: true })
  })

  it('has nothing to write with in an action that only reads', async () => {
    const seen = await app.reads(async (records) => ok(Object.keys(records).sort()))
    expect(seen).toEqual(ok(['count', 'get', 'may', 'query']))
  })

  it('knows the role that the transaction sees', async () => {
    const roles = await app.run(async (records, { tools }) => {
      expect(await tools.registerUser({ userId: 'new-admin', isAdmin: true })).toMatchObject({
        success: true,
      })
      return records.query('analytics')
    }, 'new-admin')
    expect(roles).toMatchObject({ success: true })
  })

  it('asks nothing of a rule that is for reading alone', async () => {
    const asked = await app.run(async (records) => records.may('create' as never, 'events', 'x'))
    expect(asked).toMatchObject({ code: 'BAD_REQUEST' })
    const got = await app.run(async (records) => records.get('events', 'x', { may: 'create' as never }))
    expect(got).toMatchObject({ code: 'BAD_REQUEST', issues: [{ path: ['may'] }] })
  })

  it.each([[{ maY: 'update' }], [null], [['update']], ['update']])(
    'refuses %j where options of a get belong',
    async (options) => {
      const got = await app.run(async (records) => records.get('events', 'x', options as never))
      expect(got).toMatchObject({ code: 'BAD_REQUEST' })
    },
  )

  it('gives a record to whoever may do with it what is asked', async () => {
    const { recordId } = dataOf(await (await app.as('ada')).records.events.create({ data: event }))
    const get = (user: string) =>
      app.run(async (records) => records.get('events', recordId, { may: 'update' }), user)
    expect(await get('ada')).toMatchObject({
      data: { record: { recordId, createdBy: 'ada', data: { title: 'Launch', capacity: 10 } } },
    })
    expect(await get('olga')).toMatchObject({ code: 'NOT_FOUND' })
    await execute(
      app.database,
      app.databaseUrl,
      `update events set visibility = 'public' where record_id = '${recordId}'`,
    )
    expect(await get('olga')).toMatchObject({ code: 'FORBIDDEN' })
  })
})

describe('a rule that fails in the database', () => {
  it('is an error without a word of what it met, and is logged', async () => {
    const ada = await app.as('ada')
    for (const call of [
      () => ada.records.looked_at.get({ recordId: 'x' }),
      () => ada.records.looked_at.list(),
    ])
      await expect(call()).rejects.toMatchObject({
        code: 'INTERNAL_SERVER_ERROR',
        message: 'Something went wrong on the server. The request id finds the cause in its log.',
      })
    expect(app.logged).toContainEqual(
      expect.objectContaining({ tool: 'asCaller.get', msg: 'A statement failed' }),
    )
  })
})

describe('a rule is asked of the record as the write would leave it', () => {
  const creations: readonly (readonly [string, object, boolean])[] = [
    ['defaults of the table and of the code', {}, true],
    ['a computed column', { price: 11 }, false],
    ['an empty field that had a default', { note: null }, false],
    ['JSON', { payload: { kind: 'odd' } }, false],
    ['JSON that is fine', { payload: { kind: 'fine', more: ['"', { a: null }] } }, true],
    ['a list', { tags: ['bad', 'a,b'] }, false],
    ['a list that is fine', { tags: ['a,b', '"quoted"', '{x}'] }, true],
    ['a decimal', { amount: '10.50' }, false],
    ['a decimal that is fine', { amount: '10.49' }, true],
    ['a bigint', { big: 9007199254740993n }, false],
    ['a date', { at: new Date('2019-12-31T23:59:59.999Z') }, false],
    ['a date that is fine', { at: new Date('2020-01-01T00:00:00.001Z') }, true],
    ['another record of the same table that there is not', { parentId: 'nobody' }, false],
  ]

  it.each(creations)('on create and update, with %s', async (_what, data, isAllowed) => {
    const outcome = isAllowed ? { success: true } : { code: 'FORBIDDEN' }
    await app.run(async (records) => {
      expect(await records.create('looked', data as never)).toMatchObject(outcome)
      const fine = dataOf(await records.create('looked', {} as never))
      const patch = Object.keys(data).length === 0 ? { price: 6 } : data
      expect(await records.update('looked', fine.recordId, patch as never)).toMatchObject(outcome)
      expect(await records.create('looked', data as never, fine.recordId)).toMatchObject(outcome)
      return ok(null)
    })
  })

  it('and of other records of its table as they are', async () => {
    await app.run(async (records) => {
      const parent = dataOf(await records.create('looked', { price: 5 } as never))
      const child = { parentId: parent.recordId }
      expect(await records.create('looked', child as never)).toMatchObject({ success: true })
      expect(await records.update('looked', parent.recordId, { ...child, price: 7 } as never)).toMatchObject({
        success: true,
      })
      expect(await records.create('looked', child as never)).toMatchObject({ code: 'FORBIDDEN' })
      return ok(null)
    })
  })
})

function dataOf<T>(result: ActionResult<T>): T {
  if (result.success) return result.data
  throw new Error(`${result.code}: ${result.error}`)
}
