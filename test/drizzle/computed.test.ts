import { type ActionResult, actionRegistry } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { integer, numeric, text, timestamp, varchar } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import * as appCollections from '../fixture/collections.ts'
import { action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

let writes = 0
const works = collection('works', {
  title: text(),
  state: text()
    .default('new')
    .$onUpdate(() => 'changed'),
  touched: integer().$onUpdate(() => {
    writes += 1
    return writes
  }),
  at: timestamp({ withTimezone: true, precision: 3 })
    .notNull()
    .$onUpdateFn(() => sql`now()`),
  revision: integer().$onUpdateFn(() => sql`coalesce(${sql.identifier('revision')}, 0) + 1`),
  count: integer().notNull().default(0),
  total: numeric({ precision: 12, scale: 2 }),
})
const long = collection('long', { title: text(), code: varchar({ length: 3 }).$defaultFn(() => 'abcd') })
const SYSTEM = `record_id text primary key, created_by text, created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null, version integer not null default 1`
const TABLES = `create table works (${SYSTEM}, title text, state text default 'new', touched integer,
    at timestamptz(3) not null, revision integer, count integer not null default 0, total numeric(12, 2));
  create table long (${SYSTEM}, title text, code varchar(3));`

const runs = new Map<string, (ctx: Ctx) => Promise<ActionResult<unknown>>>()
const run = action
  .input(z.strictObject({ id: z.string() }))
  .mutation(async ({ ctx, input }) => (runs.get(input.id) ?? missing)(ctx as never))
const missing = async (): Promise<never> => {
  throw new Error('No such handler')
}
type Verb = (
  ...values: readonly unknown[]
) => Promise<ActionResult<{ record: { data: Record<string, unknown> } }>>
interface Ctx {
  readonly tools: {
    readonly create: Verb
    readonly get: Verb
    readonly update: Verb
    readonly increment: Verb
    readonly query: Verb
  }
}

const open = async () => {
  const app = await createTestApp({
    actions: actionRegistry({ run }),
    collections: { ...appCollections, works, long },
  })
  await execute(app.database, app.databaseUrl, TABLES)
  return app
}
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
})
afterAll(() => app[Symbol.asyncDispose]())

async function inAction<T>(handler: (tools: Ctx['tools']) => Promise<ActionResult<T>>): Promise<T> {
  const id = String(runs.size)
  runs.set(id, ({ tools }) => handler(tools))
  const result = (await (await app.as('ada')).actions.run({ id })) as ActionResult<T>
  if (!result.success) throw new Error(result.error)
  return result.data
}
const dataOf = async (id: string) => (await inAction((tools) => tools.get('works', id))).record.data

it('what is set on every update is set at creation where there is no default, SQL included', async () => {
  await inAction((tools) => tools.create('works', { title: 'a' }, 'w1'))
  const created = await dataOf('w1')
  expect(created).toMatchObject({ state: 'new', count: 0, revision: null })
  expect(created.touched).toBeTypeOf('number')
  expect(created.at).toBeInstanceOf(Date)
})

it('an update and an increment run it, and what is given wins', async () => {
  await inAction((tools) => tools.create('works', { title: 'a' }, 'w2'))
  const before = await dataOf('w2')
  await inAction((tools) => tools.increment('works', 'w2', { count: 2, total: '0.10' }))
  const added = await dataOf('w2')
  expect(added).toMatchObject({ state: 'changed', count: 2, total: '0.10', revision: 1 })
  expect(added.touched).toBeGreaterThan(Number(before.touched))
  await inAction((tools) => tools.increment('works', 'w2', { touched: 1_000 }))
  expect((await dataOf('w2')).touched).toBe(Number(added.touched) + 1_000)
  await inAction((tools) => tools.update('works', 'w2', { state: 'mine' }))
  expect((await dataOf('w2')).state).toBe('mine')
})

it('a computed value that its field cannot hold is a bug of the app, and stores nothing', async () => {
  await expect(inAction((tools) => tools.create('long', { title: 'x' }))).rejects.toThrow(
    'Something went wrong',
  )
  expect(JSON.stringify(app.logged.map(({ err }) => err))).toContain('What is computed for field')
})

it('ids and texts that begin with U+FEFF are got, listed and paged over', async () => {
  const ids = ['\ufeff', '\ufeff\ufeff', '\ufeffa', 'a\ufeff']
  for (const id of ids) await inAction((tools) => tools.create('works', { title: `\ufeff${id}` }, id))
  for (const id of ids) expect((await dataOf(id)).title).toBe(`\ufeff${id}`)
  for (const orderBy of ['recordId', 'title']) {
    const found: string[] = []
    let cursor: string | null = null
    do {
      const page = (await inAction(
        (tools) =>
          tools.query('works', { where: { recordId: { in: ids } }, orderBy, limit: 1, cursor }) as never,
      )) as { records: { recordId: string }[]; nextCursor: string | null }
      found.push(...page.records.map(({ recordId }) => recordId))
      cursor = page.nextCursor
    } while (cursor !== null && found.length < 10)
    expect(found.sort()).toEqual([...ids].sort())
  }
})
