import type { ActionResult } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { boolean, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import type { CallerRecords } from '../../server/records/types.ts'
import type { AnyCollections } from '../../server/tools/types.ts'
import { openGallery } from './transports.ts'

type Records = CallerRecords<AnyCollections>

const fields = () => ({ label: text(), isPublic: boolean().notNull().default(false) })
type Letter = ReturnType<typeof letter>
const letter = () => collection('columns', fields())

/** What lets an editor read and update a letter of somebody else, by the name of a collection. */
const RULES = {
  letters_all: true,
  letters_published: 'published',
  letters_yes: () => true,
  letters_or: (_actor: unknown, { label, isPublic }: Letter) => sql`${label} = 'x' or ${isPublic}`,
} as const
type Name = keyof typeof RULES
const NAMES = Object.keys(RULES) as Name[]

const letters = Object.fromEntries(
  NAMES.map((name) => {
    const rule = RULES[name] as true // The columns of all of these collections are the same.
    const access = { editor: { read: rule, update: rule } }
    return [name, collection(name, fields(), { visibilityField: 'isPublic', access })]
  }),
)

/** What a caller asks about one letter, and whether the answer tells of it. */
const READS: Readonly<Record<string, (records: Records, name: string) => Promise<ActionResult<unknown>>>> = {
  get: (records, name) => records.get(name, 'a'),
  'get with may': (records, name) => records.get(name, 'a', { may: 'update' }),
  query: (records, name) => records.query(name, { where: { recordId: 'a' } as never }),
  'query of the next page': async (records, name) => {
    const first = await records.query(name, { orderBy: 'label', limit: 1 })
    return first.success && first.data.nextCursor !== null
      ? records.query(name, { orderBy: 'label', limit: 1, cursor: first.data.nextCursor })
      : first
  },
  'may update': (records, name) => records.may('update', name, 'a'),
  'may read': (records, name) => records.may('read', name, 'a'),
}

let gallery: Awaited<ReturnType<typeof openGallery>>
beforeAll(async () => {
  gallery = await openGallery(letters)
  const tables = NAMES.map(
    (name) => `create table ${name} (record_id text primary key, created_by text,
      created_at timestamptz(3) not null default now(), updated_at timestamptz(3) not null default now(),
      version integer not null default 1, label text, is_public boolean not null);
    insert into ${name} (record_id, created_by, label, is_public) values
      ('a', 'ben', 'x', true), ('b', 'ben', 'y', true), ('c', 'ben', 'z', true)`,
  )
  await gallery.execute(tables.join(';'))
})
afterAll(() => gallery[Symbol.asyncDispose]())

let users = 0
/** A user with this role, of whom the server has read it. */
async function userWith(role: string | null): Promise<string> {
  users += 1
  const userId = `eve${users}`
  await setRole(userId, role)
  return userId
}

/** What another server of the same database would do, of which this one hears nothing. */
const setRole = (userId: string, role: string | null) =>
  gallery.execute(
    role === null
      ? `delete from users where record_id = '${userId}'`
      : `insert into users (record_id, created_at, updated_at, role) values ('${userId}', now(), now(), '${role}')
          on conflict (record_id) do update set role = excluded.role`,
  )

describe.each(NAMES)('of a role that %s lets read,', (name) => {
  it.each(
    Object.keys(READS).flatMap((read) => [null, 'member', 'viewer', ''].map((role) => [read, role] as const)),
  )('nothing is granted by %s once the role is %j', async (read, role) => {
    const ask = (userId: string) =>
      gallery.inAction(userId, async (records) => (await READS[read]?.(records, name)) as ActionResult<never>)
    const userId = await userWith('editor')
    for (const _time of ['when it is read', 'when it is presumed'])
      expect(await ask(userId)).toMatchObject({ success: true })
    await setRole(userId, role)
    expect(await ask(userId)).toMatchObject({ success: false, code: 'FORBIDDEN' })
    await setRole(userId, 'editor')
    expect(await ask(userId)).toMatchObject({ success: true })
  })
})

describe('a role that still holds', () => {
  it.each(['get', 'query'])('is read by no statement of its own for %s', async (read) => {
    const { database } = gallery.app
    const userId = await userWith('editor')
    const roles: string[] = []
    const query = database.query.bind(database)
    database.query = (statement) => {
      // Who is blocked is read beside it, from time to time.
      if (!/block/i.test(statement.sql)) roles.push(statement.sql)
      return query(statement)
    }
    const [trpc] = gallery.transports
    const verb = read === 'query' ? 'list' : 'get'
    const ask = () =>
      trpc?.call(
        userId,
        verb,
        'letters_all',
        read === 'query' ? { where: { recordId: 'a' } } : { recordId: 'a' },
      )
    try {
      expect(await ask()).toMatchObject({ success: true })
      expect(roles.length).toBe(2)
      expect(await ask()).toMatchObject({ success: true })
      expect(roles.length).toBe(3)
    } finally {
      database.query = query
    }
  })
})
