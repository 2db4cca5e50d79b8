import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  char,
  check,
  cidr,
  customType,
  date,
  doublePrecision,
  inet,
  integer,
  interval,
  json,
  jsonb,
  line,
  macaddr,
  macaddr8,
  numeric,
  pgEnum,
  pgTable,
  point,
  primaryKey,
  real,
  serial,
  smallint,
  smallserial,
  text,
  time,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isCollection } from '../../drizzle/engine/collection.ts'
import * as system from '../../drizzle/engine/system.ts'
import { compareTables } from '../../server/db/compare-tables.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import * as collections from '../fixture/collections.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { execute } from '../support/execute.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

const mood = pgEnum('mood', ['calm', 'wild'])
const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
/** Every type that Drizzle has, as an array where that differs. */
const kinds = pgTable('kinds', {
  a: smallint(),
  b: integer(),
  c: bigint({ mode: 'bigint' }),
  d: serial(),
  e: smallserial(),
  f: bigserial({ mode: 'number' }),
  g: numeric(),
  h: numeric({ precision: 12 }),
  i: numeric({ precision: 12, scale: 2 }),
  j: real(),
  k: doublePrecision(),
  l: boolean(),
  m: text(),
  n: varchar(),
  o: varchar({ length: 7 }),
  p: char(),
  q: char({ length: 7 }),
  r: uuid(),
  s: json(),
  t: jsonb(),
  u: date(),
  v: time(),
  w: time({ precision: 3 }),
  x: time({ withTimezone: true, precision: 2 }),
  y: timestamp(),
  z: timestamp({ precision: 3 }),
  aa: timestamp({ withTimezone: true }),
  ab: timestamp({ withTimezone: true, precision: 3 }),
  ac: interval(),
  ad: inet(),
  ae: cidr(),
  af: macaddr(),
  ag: macaddr8(),
  ah: point(),
  ai: line(),
  aj: mood(),
  ak: bytes(),
  al: text().array(),
  am: varchar({ length: 5 }).array().array(),
  an: timestamp({ withTimezone: true, precision: 3 }).array(),
  ao: mood().array(),
  ap: numeric({ precision: 5, scale: 1 }).array(),
  aq: integer().generatedAlwaysAsIdentity(),
  ar: text().generatedAlwaysAs(sql`upper(m)`),
  as: text().notNull(),
})
const pairs = pgTable('pairs', { left: text(), right: text() }, (pair) => [
  primaryKey({ columns: [pair.left, pair.right] }),
  check('pairs_differ', sql`${pair.left} <> ${pair.right}`),
])
const declared = [...Object.values(collections).filter(isCollection), ...Object.values(system)]

let opened: TestDatabase
const run = (text: string) => execute(opened.database, opened.url, text)
beforeAll(async () => {
  opened = await openTestDatabase()
})
afterAll(() => opened[Symbol.asyncDispose]())

it('finds no difference in what drizzle-kit makes of every type', async () => {
  const schema = { mood, kinds, pairs }
  const statements = await generateMigration(generateDrizzleJson({}), generateDrizzleJson(schema))
  await run(statements.join(';\n'))
  expect(await compareTables(opened.database, [kinds, pairs])).toEqual([])
  expect(await compareTables(opened.database, declared)).toEqual([])
})

it.each([
  ['drop column summary', 'add column summary text', 'events.summary is missing; it is declared as text'],
  [
    'alter column capacity type bigint',
    'alter column capacity type integer',
    'events.capacity is declared as integer, and is bigint',
  ],
  [
    'alter column starts_at type timestamptz',
    'alter column starts_at type timestamptz(3)',
    'events.starts_at is declared as timestamp (3) with time zone, and is timestamp with time zone',
  ],
  [
    'alter column title drop not null',
    'alter column title set not null',
    'events.title is declared NOT NULL, and may be empty',
  ],
  [
    'alter column summary set not null',
    'alter column summary drop not null',
    'events.summary is declared as one that may be empty, and is NOT NULL',
  ],
  [
    'alter column summary type text[] using null',
    'alter column summary type text using null',
    'events.summary is declared as text, and is text[]',
  ],
  [
    'add column extra integer not null',
    'drop column extra',
    'events.extra (integer) is not declared, and no record can be made without it: give it a default, or drop it',
  ],
])('names what differs: %s', async (change, undo, difference) => {
  await run(`alter table events ${change}`)
  expect(await compareTables(opened.database, declared)).toEqual([difference])
  await run(`alter table events ${undo}`)
  expect(await compareTables(opened.database, declared)).toEqual([])
})

it('names a table of the engine with its schema', async () => {
  await run('alter table deputy.queue drop column is_unknown')
  expect(await compareTables(opened.database, declared)).toEqual([
    'deputy.queue.is_unknown is missing; it is declared as boolean',
  ])
  await run('alter table deputy.queue add column is_unknown boolean not null default false')
})

it('lets a newer version have what an older one need not know', async () => {
  await run(`alter table events add column later text, add column counted integer not null default 0`)
  expect(await compareTables(opened.database, declared)).toEqual([])
})

it('keeps a server from starting, with what to do', async () => {
  if (opened.url === undefined) return
  await run('alter table events drop column summary')
  const refused = openDatabase({
    databaseUrl: opened.url,
    directory: undefined,
    migrations: MIGRATIONS,
    tables: TABLES,
    expected: declared,
  })
  await expect(refused).rejects.toThrow(/events\.summary is missing[\s\S]+deputy generate/)
})
