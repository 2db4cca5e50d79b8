import { type ActionResult, actionRegistry, ok } from 'deputyjs'
import { date, doublePrecision, integer, text } from 'drizzle-orm/pg-core'
import { SuperJSON } from 'superjson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import * as appCollections from '../fixture/collections.ts'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

/** What others may store in a `timestamptz(3)` and no answer can carry, in the order of the database. */
const BEFORE = ['-infinity', '4714-11-24 00:00:00+00 BC', '0045-02-29 12:00:00.5+00 BC']
const AFTER = [
  '10000-01-01 00:00:00+00',
  '275761-01-01 00:00:00.001+00',
  '294276-12-31 23:59:59.999+00',
  'infinity',
]
const FINE = ['0001-01-01 00:00:00+00', '2026-03-01 00:00:00+00', '2026-03-02 00:00:00.123+00']
const IN_ORDER = [...BEFORE, ...FINE, ...AFTER]
const UNREADABLE = [...BEFORE, ...AFTER]

const notes = collection(
  'notes',
  {
    title: text().notNull(),
    tags: text().array(),
    hits: integer().notNull().default(0),
    ratio: doublePrecision(),
    day: date({ mode: 'date' }),
  },
  { access: { '*': { read: true, create: true, update: true, remove: true } } },
)
const TABLE = `create table notes (record_id text primary key, created_by text, created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null, version integer not null default 1, title text not null, tags text[],
    hits integer not null default 0, ratio double precision, day date);
  create index notes_created_at_idx on notes (created_at, record_id);`

interface Found {
  readonly recordId: string
  readonly data: Readonly<Record<string, unknown>>
  readonly createdAt: Date | string | null
  readonly updatedAt: Date | string | null
  readonly version: number
  readonly unreadable?: readonly string[]
}
interface Page {
  readonly records: readonly Found[]
  readonly nextCursor: string | null
}
type Verb = (...values: readonly unknown[]) => Promise<ActionResult<never>>
type Verbs = Readonly<Record<string, Verb>>

const handlers = new Map<string, (ctx: ActionContext) => Promise<unknown>>()
const run = action.input(z.strictObject({ id: z.string() })).mutation(async ({ ctx, input }) => {
  await handlers.get(input.id)?.(ctx as unknown as ActionContext)
  return ok(null)
})
const open = () =>
  createTestApp({ actions: actionRegistry({ run }), collections: { ...appCollections, notes } })
let app: Awaited<ReturnType<typeof open>>
let url: string
let headers: Record<string, string>
beforeAll(async () => {
  app = await open()
  url = await app.listen()
  headers = { authorization: `Bearer ${await app.token('ada')}`, 'content-type': 'application/json' }
  await beside(TABLE)
})
afterAll(() => app[Symbol.asyncDispose]())

const beside = (statement: string) => execute(app.database, app.databaseUrl, statement)

function dataOf<T>(answer: unknown): T {
  const result = answer as ActionResult<T>
  if (!result.success) throw new Error(`${result.code}: ${result.error}`)
  return result.data
}

async function inAction<T>(handler: (ctx: ActionContext) => Promise<T>): Promise<T> {
  const id = String(handlers.size)
  let outcome: { readonly value: T } | undefined
  handlers.set(id, async (ctx) => {
    outcome = { value: await handler(ctx) }
  })
  dataOf(await (await app.as('ada')).actions.run({ id }))
  if (!outcome) throw new Error('The handler has not come to its end')
  return outcome.value
}

type Reads = (verb: 'get' | 'query', argument: unknown) => Promise<unknown>

const inProcess = (of: (ctx: ActionContext) => unknown): Reads => {
  return async (verb, argument) =>
    inAction(async (ctx) => dataOf(await (of(ctx) as Verbs)[verb]?.('notes', argument)))
}

const fromTools = inProcess(({ tools }) => tools)
/** Every way to read, with an argument as `tools` take it. */
const READS: Readonly<Record<string, Reads>> = {
  tools: fromTools,
  asCaller: inProcess(({ asCaller }) => asCaller),
  REST: async (verb, argument) => {
    const parameters = Object.entries(argument as Record<string, unknown>)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]): [string, string] => [
        name,
        typeof value === 'object' ? JSON.stringify(value) : String(value),
      ])
    const path = verb === 'get' ? `/${String(argument)}` : `?${new URLSearchParams(parameters)}`
    const answer = await fetch(`${url}/api/records/notes${path}`, { headers })
    return dataOf(await answer.json())
  },
  tRPC: async (verb, argument) => {
    const input = verb === 'get' ? { recordId: argument } : argument
    const query = encodeURIComponent(JSON.stringify(SuperJSON.serialize(input)))
    const path = `records.notes.${verb === 'query' ? 'list' : verb}`
    const answer = await fetch(`${url}/trpc/${path}?input=${query}`, { headers })
    const { result } = (await answer.json()) as { result: { data: never } }
    return dataOf(SuperJSON.deserialize(result.data))
  },
}

let minted = 0
/** Records of their own for a test, one for each text, which is in one or both of the system's columns. */
async function store(texts: readonly string[], columns: readonly string[]): Promise<readonly string[]> {
  minted += 1
  const ids = texts.map((_, nth) => `set${minted}-${nth}`)
  for (const [nth, text] of texts.entries()) {
    const at = (column: string) => (columns.includes(column) ? `'${text}'` : "'2026-03-01 00:00:00+00'")
    await beside(`insert into notes (record_id, created_at, updated_at, title, tags)
      values ('${ids[nth]}', ${at('created_at')}, ${at('updated_at')}, 'n${nth}', array['t${nth % 2}'])`)
  }
  return ids
}

const SYSTEM = [
  ['createdAt', 'created_at'],
  ['updatedAt', 'updated_at'],
] as const

describe.each(Object.entries(READS))('over %s', (_way, reads) => {
  it.each(SYSTEM)(
    'a %s that no answer carries is null and named, and the rest is there',
    async (field, column) => {
      const ids = await store(UNREADABLE, [column])
      const other = field === 'createdAt' ? 'updatedAt' : 'createdAt'
      const { records } = (await reads('query', { where: { recordId: { in: ids } } })) as Page
      expect(records.length).toBe(ids.length)
      for (const [nth, id] of ids.entries()) {
        const { record } = (await reads('get', id)) as { record: Found }
        expect(record).toMatchObject({ [field]: null, unreadable: [field], version: 1, createdBy: null })
        expect(record.data).toMatchObject({ title: `n${nth}`, tags: [`t${nth % 2}`], hits: 0 })
        expect(new Date(record[other] ?? Number.NaN).toISOString()).toBe('2026-03-01T00:00:00.000Z')
        expect(records.find(({ recordId }) => recordId === id)).toEqual(record)
      }
    },
  )

  it('fields of the record and of the system are named together', async () => {
    const [id] = await store(['infinity'], ['created_at', 'updated_at'])
    await beside(`update notes set ratio = 'NaN', day = 'infinity' where record_id = '${id}'`)
    const { record } = (await reads('get', id)) as { record: Found }
    expect(record).toMatchObject({ createdAt: null, updatedAt: null, data: { ratio: null, day: null } })
    expect(record.unreadable).toEqual(['ratio', 'day', 'createdAt', 'updatedAt'])
  })

  it.each(SYSTEM)('pages in the order of %s end and begin at such values', async (field, column) => {
    const ids = await store([...IN_ORDER, ...IN_ORDER], [column])
    // Equal values follow each other by their ids.
    const ascending = IN_ORDER.flatMap((_, nth) => [ids[nth], ids[nth + IN_ORDER.length]].sort())
    for (const orderDir of ['asc', 'desc'] as const) {
      for (const limit of [1, 3]) {
        const found: string[] = []
        let cursor: string | null | undefined
        for (let pages = 0; cursor !== null; pages += 1) {
          if (pages > ids.length) throw new Error('There is no last page')
          const where = { recordId: { in: ids } }
          const page = (await reads('query', { where, orderBy: field, orderDir, limit, cursor })) as Page
          found.push(...page.records.map(({ recordId }) => recordId))
          cursor = page.nextCursor
        }
        expect(found).toEqual(orderDir === 'asc' ? ascending : ascending.toReversed())
      }
    }
  })

  it.each(SYSTEM)('where compares such a %s as the database does', async (field, column) => {
    const ids = await store(IN_ORDER, [column])
    const at = '2026-03-01T00:00:00.000Z'
    const day = IN_ORDER.indexOf('2026-03-01 00:00:00+00')
    const found = async (condition: unknown, more: object = {}) => {
      const where = { recordId: { in: ids }, [field]: condition, ...more }
      const { records } = (await reads('query', { where, orderBy: 'recordId', orderDir: 'asc' })) as Page
      return records.map(({ recordId }) => recordId)
    }
    const instant = reads === READS.REST ? at : new Date(at)
    const sorted = (list: readonly string[]) => [...list].sort()
    expect(await found({ gt: instant })).toEqual(sorted(ids.slice(day + 1)))
    expect(await found({ lte: instant })).toEqual(sorted(ids.slice(0, day + 1)))
    expect(await found({ eq: instant })).toEqual([ids[day]])
    expect(await found({ in: [instant] })).toEqual([ids[day]])
    expect(await found({ ne: instant })).toEqual(sorted(ids.filter((_, nth) => nth !== day)))
    expect(await found({ isNull: true })).toEqual([])
    expect(await found({ isNull: false })).toEqual(sorted(ids))
    const odd = ids.filter((_, nth) => nth % 2 === 1)
    expect(await found({ isNull: false }, { tags: { has: 't1' } })).toEqual(sorted(odd))
  })
})

const AS: Readonly<Record<string, (ctx: ActionContext) => Verbs>> = {
  tools: ({ tools }) => tools as unknown as Verbs,
  asCaller: ({ asCaller }) => asCaller as unknown as Verbs,
}

describe.each(Object.entries(AS))('%s', (way, of) => {
  const write = (...[verb, ...values]: readonly [string, ...unknown[]]) =>
    inAction(async (ctx) => dataOf(await of(ctx)[verb]?.('notes', ...values)))
  const read = async (id: string) => ((await fromTools('get', id)) as { record: Found }).record

  const writes: Readonly<Record<string, (id: string) => Promise<unknown>>> = {
    update: (id) => write('update', id, { title: 'new' }),
    'update of a version': (id) => write('update', id, { title: 'new' }, { ifVersion: 1 }),
    merge: (id) => write('create', { title: 'new' }, id),
    ...(way === 'tools'
      ? {
          increment: (id: string) => write('increment', id, { hits: 2 }),
          updateWhere: (id: string) => write('updateWhere', { recordId: id }, { title: 'new' }),
        }
      : {}),
  }

  it.each(Object.entries(writes))(
    '%s keeps createdAt, and the time of the write is told again',
    async (_verb, change) => {
      for (const id of await store(UNREADABLE, ['created_at', 'updated_at'])) {
        const before = Date.now()
        await change(id)
        const record = await read(id)
        expect(record).toMatchObject({ createdAt: null, unreadable: ['createdAt'], version: 2 })
        expect(Number(record.updatedAt)).toBeGreaterThanOrEqual(before - 1)
        expect(Number(record.updatedAt)).toBeLessThanOrEqual(Date.now())
      }
    },
  )

  it('a time of a write that is ahead of this one stays', async () => {
    const [id = ''] = await store(['9999-12-31 23:59:59.999+00'], ['updated_at'])
    await write('update', id, { title: 'new' })
    expect((await read(id)).updatedAt).toEqual(new Date('9999-12-31T23:59:59.999Z'))
  })

  it('a record with such values is removed', async () => {
    const ids = await store(UNREADABLE, ['created_at', 'updated_at'])
    for (const id of ids) await write('remove', id)
    const { records } = (await fromTools('query', { where: { recordId: { in: ids } } })) as Page
    expect(records).toEqual([])
  })

  it.each([
    [2_147_483_646, 2_147_483_647],
    [2_147_483_647, 1],
    [0, 1],
    [-2_147_483_648, 1],
  ])('after the version %i comes %i', async (stored, next) => {
    const [id = ''] = await store(['2026-03-01'], [])
    await beside(`update notes set version = ${stored} where record_id = '${id}'`)
    expect((await read(id)).version).toBe(stored)
    await write('update', id, { title: 'new' })
    expect(await read(id)).toMatchObject({ version: next, data: { title: 'new' } })
  })
})

it('a user whose row has such values signs in, is listed and registers again', async () => {
  const grace = await app.as('grace', { name: 'Grace' })
  dataOf(await grace.users.register())
  await beside("update users set created_at = 'infinity', updated_at = '-infinity' where record_id = 'grace'")
  const me = dataOf<{ user: Found }>(await grace.users.me())
  expect(me.user).toMatchObject({ createdAt: null, updatedAt: null, unreadable: ['createdAt', 'updatedAt'] })
  const listed = dataOf<Page>(await (await app.as('owner')).users.list())
  expect(listed.records.find(({ recordId }) => recordId === 'grace')).toMatchObject({ createdAt: null })
  const { user } = dataOf<{ user: Found }>(await grace.users.register())
  expect(user).toMatchObject({ createdAt: null, unreadable: ['createdAt'], version: 2 })
  expect(user.updatedAt).toBeInstanceOf(Date)
})

it('the audit holds what came of a call on such a record', async () => {
  const [id = ''] = await store(['infinity'], ['created_at', 'updated_at'])
  const answer = await fetch(`${url}/api/records/notes/${id}`, {
    method: 'PATCH',
    headers,
    body: JSON.stringify({ title: 'over REST' }),
  })
  expect(answer.status).toBe(200)
  const { entries } = dataOf<{ entries: { action: string; writes: unknown }[] }>(
    await (await app.as('owner')).audit.list({ limit: 1 }),
  )
  expect(entries).toMatchObject([{ action: 'records.notes.update', writes: [['update', 'notes', id]] }])
})
