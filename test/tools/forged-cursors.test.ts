import {
  bigint,
  boolean,
  char,
  date,
  doublePrecision,
  inet,
  integer,
  numeric,
  pgEnum,
  real,
  smallint,
  text,
  time,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import { decodeRecordCursor, encodeRecordCursor } from '../../server/tools/cursor.ts'
import { encodeCursor } from '../../server/wire/cursor.ts'
import * as appCollections from '../fixture/collections.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

const mood = pgEnum('mood', ['calm', 'wild'])
const kinds = collection(
  'kinds',
  {
    small: smallint(),
    whole: integer(),
    big: bigint({ mode: 'bigint' }),
    amount: numeric({ precision: 12, scale: 2 }),
    ratio: doublePrecision(),
    single: real(),
    flag: boolean(),
    name: text(),
    short: varchar({ length: 5 }),
    fixed: char({ length: 3 }),
    tag: uuid(),
    day: date(),
    at: timestamp({ withTimezone: true, precision: 3 }),
    clock: time(),
    host: inet(),
    mood: mood(),
  },
  { access: { '*': { read: true } } },
)
const TABLE = `create type mood as enum ('calm', 'wild');
  create table kinds (record_id text primary key, created_by text, created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(), version integer not null default 1,
    small smallint, whole integer, big bigint, amount numeric(12, 2), ratio double precision, single real, flag boolean,
    name text, short varchar(5), fixed char(3), tag uuid, day date, at timestamptz(3), clock time, 
    host inet, mood mood);`

/** What a field may hold, from one end of its range to the other, as SQL; and what no page ever ended with. */
const FIELDS: Readonly<
  Record<string, { readonly stored: readonly string[]; readonly forged: readonly string[] }>
> = {
  small: { stored: ['-32768', '0', '32767'], forged: ['32768', '1.5', 'x', '', ' 1', '1e3', '0x1'] },
  whole: { stored: ['-2147483648', '7'], forged: ['2147483648', 'NaN', '1_0', '--1'] },
  big: {
    stored: ['-9223372036854775808', '9223372036854775807'],
    forged: ['9223372036854775808', '1n', '٣'],
  },
  amount: { stored: ["'NaN'", '-1.50', '9999999999.99'], forged: ['1,5', 'nan ', '1e5', '0x10', '.5'] },
  ratio: { stored: ['1e308', '-5e-324', '0.1'], forged: ['inf', '1e999', '0x1p3', ' 1'] },
  single: { stored: ['1e38', '-1e-40', '0.1'], forged: ['1e39x', '1e99', 'x'] },
  flag: { stored: ['true', 'false'], forged: ['t', 'yes', '1', 'maybe', ''] },
  name: { stored: ["''", "'ä'", "'50%'"], forged: ['\ud800', 'a\0'] },
  short: { stored: ["'abcde'", "''"], forged: ['\udfff', '\0'] },
  fixed: { stored: ["'a'", "'abc'"], forged: ['\ud800'] },
  tag: {
    stored: ["'11111111-1111-1111-1111-111111111111'"],
    forged: ['1', '{11111111-1111-1111-1111-111111111111}'],
  },
  day: {
    stored: ["'0001-01-01'", "'infinity'", "'2024-02-29'"],
    forged: ['today', '2023-02-29', '02/03/2024', '2024-13-01'],
  },
  at: {
    stored: ["'2024-02-29T12:00:00.123Z'", "'0099-01-01T00:00:00Z'"],
    forged: [
      '2030-01-01 00:00:00+99',
      'now',
      'tomorrow',
      '2030-02-30 00:00:00+00',
      '2030-01-01',
      '2030-01-01 25:00:00+00',
    ],
  },
  clock: {
    stored: ["'00:00:00'", "'24:00:00'", "'12:30:00.5'"],
    forged: ['now', '25:00:00', 'allballs', '24:00:01'],
  },
  host: { stored: ["'10.0.0.1'", "'::1/64'"], forged: ['10.0.0.999', 'localhost'] },
  mood: { stored: ["'calm'", "'wild'"], forged: ['angry', ''] },
  createdAt: { stored: [], forged: ['2030-01-01 00:00:00+99', 'now', 'x'] },
}

/** What the cursors of nobody's pages belong to. */
const QUERY = { collection: 'kinds', where: {}, reader: 'anonymous' }

let app: Awaited<ReturnType<typeof open>>
const open = async () => {
  const opened = await createTestApp({ collections: { ...appCollections, kinds } })
  const rows = Object.entries(FIELDS).flatMap(([field, { stored }]) =>
    stored.map((value, at) => `insert into kinds (record_id, ${field}) values ('${field}-${at}', ${value});`),
  )
  await execute(opened.database, opened.databaseUrl, TABLE + rows.join('\n'))
  return { ...opened, url: await opened.listen() }
}
beforeAll(async () => {
  app = await open()
})
afterAll(() => app[Symbol.asyncDispose]())

interface PageBody {
  readonly code?: string
  readonly error?: string
  readonly data: {
    readonly records: readonly { readonly recordId: string }[]
    readonly nextCursor: string | null
  }
}

/** A page of the public list, as nobody asks for it. */
async function page(options: Readonly<Record<string, string>>) {
  const response = await fetch(`${app.url}/api/records/kinds?${new URLSearchParams(options)}`)
  return { status: response.status, body: (await response.json()) as PageBody }
}

describe.each(Object.keys(FIELDS))('a cursor over "%s"', (field) => {
  const { stored, forged } = FIELDS[field] ?? { stored: [], forged: [] }

  it('goes on from every value that can be stored', async () => {
    for (const orderDir of ['asc', 'desc']) {
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const options = {
          orderBy: field,
          orderDir,
          limit: '1',
          where: JSON.stringify({ recordId: { startsWith: `${field}-` } }),
        }
        const { status, body }: Awaited<ReturnType<typeof page>> = await page({
          ...options,
          ...(cursor ? { cursor } : {}),
        })
        expect([orderDir, seen, status, body.error]).toEqual([orderDir, seen, 200, undefined])
        seen.push(...body.data.records.map(({ recordId }) => recordId))
        cursor = body.data.nextCursor
      } while (cursor !== null && seen.length <= stored.length)
      expect([...seen].sort()).toEqual(stored.map((_, at) => `${field}-${at}`))
    }
  })

  it('with a value that no page ended with is a 400 that says what a cursor is', async () => {
    for (const orderDir of ['asc', 'desc'] as const) {
      const options = { orderBy: field, orderDir, limit: '1' }
      const { body } = await page(options)
      const query = { ...QUERY, orderBy: field, orderDir }
      const position = decodeRecordCursor(query, body.data.nextCursor ?? '')
      if (!position) throw new Error('A page has another cursor than those that are forged')
      for (const value of forged) {
        const cursor = encodeRecordCursor(query, { ...position, value })
        const { status, body } = await page({ ...options, cursor })
        expect([field, value, orderDir, status, body.code]).toEqual([
          field,
          value,
          orderDir,
          400,
          'BAD_REQUEST',
        ])
      }
    }
  })
})

it('with an id that no record can have is a 400', async () => {
  const order = { orderBy: 'name', orderDir: 'asc' }
  const { collection, where, reader } = QUERY
  const scope = { list: collection, filters: { ...order, where, reader } }
  const statusWith = async (id: string | number | null) => {
    const { status } = await page({ ...order, limit: '1', cursor: encodeCursor(scope, ['x', id, null]) })
    return status
  }
  expect(await statusWith('name-0')).toBe(200)
  for (const id of ['\ud800', 'a\0b', 7, null]) expect([id, await statusWith(id)]).toEqual([id, 400])
})
