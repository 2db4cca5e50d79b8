import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import {
  check,
  index,
  integer,
  pgEnum,
  pgMaterializedView,
  pgPolicy,
  pgRole,
  pgTable,
  pgView,
  text,
} from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { collection } from '../../drizzle/engine/index.ts'
import { findDangers } from '../../server/cli/migration/dangers.ts'
import { loadDrizzleKit } from '../../server/cli/migration/drizzle-kit.ts'
import { planMigration } from '../../server/cli/migration/plan-migration.ts'
import { parseRename } from '../../server/cli/migration/renames.ts'
import { indexPath, readIndex, snapshotPath } from '../../server/cli/migration/snapshot.ts'
import { joinStatements, writeMigration } from '../../server/cli/migration/write-migration.ts'
import { temporaryDirectory } from '../support/guarded.ts'

const kit = loadDrizzleKit()

/** A folder of migrations with what can be done to it. */
async function openFolder() {
  const directory = await temporaryDirectory('migrations')
  const folder = directory.path
  const plan = (collections: object, renames: readonly string[] = [], drops: readonly string[] = []) =>
    planMigration(kit, {
      folder,
      index: readIndex(folder),
      collections,
      drops,
      renames: renames.flatMap((rename) => parseRename(rename) ?? []),
    })
  return {
    folder,
    plan,
    async generate(name: string, ...args: Parameters<typeof plan>) {
      const { statements, snapshot } = await plan(...args)
      const text = joinStatements(statements)
      writeMigration({ folder, index: readIndex(folder), name, sql: text, snapshot, now: new Date() })
      return statements
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

async function apply(database: PGlite, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await database.exec(statement)
}

const authors = collection('authors', { name: text().notNull() })
const books = collection(
  'books',
  {
    title: text().notNull(),
    pages: integer().notNull().default(1),
    author: text()
      .notNull()
      .references(() => authors.recordId),
  },
  {
    constraints: (table) => [
      index('books_title_idx').on(table.title),
      check('books_pages_range', sql`${table.pages} > 0`),
    ],
  },
)

test('renamed tables and columns keep their rows, keys and checks, and nothing is left to do', async () => {
  await using directory = await openFolder()
  const database = await PGlite.create()
  const before = { authors, books }
  await apply(database, await directory.generate('init', before))
  await database.exec(`
    insert into authors (record_id, created_at, updated_at, name) values ('a', now(), now(), 'Ada');
    insert into books (record_id, created_at, updated_at, title, author) values ('b', now(), now(), 'Notes', 'a')`)
  const writers = collection('writers', { fullName: text().notNull() })
  const after = {
    writers,
    books: collection(
      'books',
      {
        heading: text().notNull(),
        size: integer().notNull().default(1),
        author: text()
          .notNull()
          .references(() => writers.recordId),
      },
      {
        constraints: (table) => [
          index('books_title_idx').on(table.heading),
          check('books_pages_range', sql`${table.size} > 0`),
        ],
      },
    ),
  }
  const renames = [
    'writers.name:full_name',
    'authors:writers',
    'books.title:books.heading',
    'books.pages:size',
  ]
  const statements = await directory.generate('renames', after, renames)
  await apply(database, statements)
  // Only the names of keys are others, which come from the names of tables.
  const more = statements.filter((statement) => !/ RENAME /.test(statement))
  expect(more.filter((statement) => !/CONSTRAINT "\w+_fk"/.test(statement))).toEqual([])
  const { rows } = await database.query(
    'select full_name, heading from writers w join books b on b.author = w.record_id',
  )
  expect(rows).toEqual([{ full_name: 'Ada', heading: 'Notes' }])
  expect((await directory.plan(after)).statements).toEqual([])
  await database.close()
})

test('what is dropped beside what is added is asked for, table by table', async () => {
  await using directory = await openFolder()
  const kind = pgEnum('kind', ['a', 'b'])
  const database = await PGlite.create()
  await apply(
    database,
    await directory.generate('init', {
      kind,
      authors,
      notes: collection('notes', { old: text(), kind: kind() }),
    }),
  )
  const sort = pgEnum('sort', ['a', 'c'])
  const after = { sort, people: collection('people', {}), notes: collection('notes', { fresh: sort() }) }
  await expect(directory.plan(after)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(
      /--rename authors:people [\s\S]*--drop authors [\s\S]*--rename notes\.old:notes\.fresh [\s\S]*--drop notes\.kind /,
    ),
  })
  await expect(directory.plan(after, [], ['authors', 'notes.old'])).rejects.toThrow(
    /^(?![\s\S]*authors)[\s\S]*--drop notes\.kind/,
  )
  await apply(database, await directory.generate('drop', after, [], ['authors', 'notes.old', 'notes.kind']))
  expect((await directory.plan(after)).statements).toEqual([])
  const { rows } = await database.query(
    "select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public' and column_name in ('name', 'old', 'kind', 'fresh')",
  )
  expect(rows).toEqual([{ name: 'notes.fresh' }])
  await database.close()
})

const view = (name: string) => pgView(name, { title: text() }).as(sql`select title from books`)
const materialized = (name: string) =>
  pgMaterializedView(name, { title: text() }).as(sql`select title from books`)
const notesWith = (names: readonly string[]) => ({
  notes: pgTable('notes', { id: text() }, () => names.map((name) => pgPolicy(name, { for: 'select' }))),
})

test.each<[string, (...names: readonly string[]) => object, string]>([
  ['view', (...names) => names.map(view), 'view'],
  ['materialized view', (...names) => names.map(materialized), 'view'],
  ['role', (...names) => names.map((name) => pgRole(name)), 'role'],
  ['policy', (...names) => notesWith(names), 'policy of notes'],
])(
  'a %s that is gone beside one that is new is told of, and takes two steps',
  async (_kind, declare, what) => {
    await using directory = await openFolder()
    await directory.generate('init', { authors, books, ...declare('before_it') })
    await expect(directory.plan({ authors, books, ...declare('after_it') })).rejects.toMatchObject({
      message: expect.stringContaining(`\n  ${what}: before_it declared no more, after_it new\n`),
      exitCode: 2,
    })
    const both = await directory.generate('add', { authors, books, ...declare('before_it', 'after_it') })
    expect(both.join()).toMatch(/^CREATE .*after_it/i)
    const left = await directory.generate('drop', { authors, books, ...declare('after_it') })
    expect(left.join()).toMatch(/^DROP .*before_it/i)
  },
)

test('migrations of two branches are put together, whichever comes first', async () => {
  const base = { notes: collection('notes', { text: text() }) }
  const one = { notes: collection('notes', { text: text(), one: text() }) }
  const other = { notes: collection('notes', { text: text(), other: text() }), authors }
  const both = { notes: collection('notes', { text: text(), one: text(), other: text() }), authors }
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    await using directory = await openFolder()
    await directory.generate('base', base)
    const start = readIndex(directory.folder)
    const branches: unknown[] = []
    for (const [name, collections] of [
      ['one', one],
      ['other', other],
    ] as const) {
      writeFileSync(indexPath(directory.folder), JSON.stringify(start))
      await directory.generate(name, collections)
      branches.push(readIndex(directory.folder).entries.at(-1))
    }
    const entries = [...start.entries, ...order.map((at) => branches[at])]
    writeFileSync(indexPath(directory.folder), JSON.stringify({ ...start, entries }))
    expect((await directory.plan(both)).statements).toEqual([])
    const more = { ...both, extra: collection('extra', {}) }
    await directory.generate('extra', more)
    expect((await directory.plan(more)).statements).toEqual([])
  }
})

test('a merge that left its marks, and snapshots that were not committed, are told of', async () => {
  await using directory = await openFolder()
  mkdirSync(join(directory.folder, 'meta'), { recursive: true })
  writeFileSync(indexPath(directory.folder), '<<<<<<< HEAD')
  expect(() => readIndex(directory.folder)).toThrow('A merge may have left its marks in it')
  writeFileSync(
    indexPath(directory.folder),
    JSON.stringify({ entries: [{ idx: 0, tag: '0000_a', when: 1 }] }),
  )
  await expect(directory.plan({})).rejects.toThrow('Commit these files')
  writeFileSync(snapshotPath(directory.folder, '0000_a'), '{}')
  await expect(directory.plan({})).rejects.toThrow('0000_a_snapshot.json cannot be read')
})

describe('the dangers of a migration', () => {
  const MADE = 'CREATE TABLE "made" (\n\t"a" text\n);\n--> statement-breakpoint\n'
  test.each([
    ['ALTER TABLE "t" ADD COLUMN "c" text NOT NULL;', 'fails where "t" has rows'],
    ['ALTER TABLE "t" ADD COLUMN "c" text DEFAULT \'x\' NOT NULL;', undefined],
    ['ALTER TABLE "t" ADD COLUMN "c" text;', undefined],
    ['ALTER TABLE "t" ALTER COLUMN "c" SET NOT NULL;', 'fails where a row of "t" has no "c"'],
    ['ALTER TABLE "t" ALTER COLUMN "c" SET DATA TYPE integer;', 'writes every row of "t" again'],
    ['DROP TABLE "t" CASCADE;', 'drops "t" with its data'],
    ['ALTER TABLE "t" DROP COLUMN "c";', 'drops the data of "c" in "t"'],
    ['ALTER TABLE "t" RENAME COLUMN "c" TO "d";', 'a server of the version before'],
    ['ALTER TABLE "t" RENAME TO "u";', 'a server of the version before'],
    ['CREATE INDEX "i" ON "t" USING btree ("c");', 'holds writes to "t" up'],
    ['CREATE UNIQUE INDEX IF NOT EXISTS "i" ON "t" ("c");', 'holds writes to "t" up'],
    ['CREATE INDEX CONCURRENTLY "i" ON "t" ("c");', undefined],
    [`${MADE}CREATE INDEX "i" ON "made" USING btree ("c");`, undefined],
    [`${MADE}CREATE INDEX "i" ON "t" USING btree ("c");`, 'holds writes to "t" up'],
    ['ALTER TABLE "t" ADD CONSTRAINT "k" UNIQUE("c");', 'the same values'],
    [
      'ALTER TABLE "t" ADD CONSTRAINT "k" FOREIGN KEY ("c") REFERENCES "public"."u"("r") ON DELETE cascade;',
      'fails where a row of "t" does not fit',
    ],
    ['ALTER TABLE "t" ADD CONSTRAINT "k" CHECK ("c" > 0) NOT VALID;', undefined],
    ['ALTER TABLE "t" DROP CONSTRAINT "k";', undefined],
  ])('of %j are told', (text, danger) => {
    expect(findDangers(text)).toEqual(danger === undefined ? [] : [expect.stringContaining(danger)])
  })
})
