import { sql } from 'drizzle-orm'
import { boolean, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import { RULE_NAMES, type RuleName } from './gallery.ts'
import { openGallery } from './transports.ts'

type Gallery = Awaited<ReturnType<typeof openGallery>>

const fields = { isPublic: boolean().notNull().default(true) }
const options = {
  visibilityField: 'isPublic',
  ownerField: 'ownerId',
  access: { '*': { read: true, create: 'published' } },
} as const
/** Who owns a record that nobody was named for, by where the name comes from. */
const defaulted = {
  by_constant: collection('by_constant', { ...fields, ownerId: text().default('olga') }, options),
  by_sql: collection('by_sql', { ...fields, ownerId: text().default(sql`'ol' || 'ga'`) }, options),
  by_code: collection('by_code', { ...fields, ownerId: text().$defaultFn(() => 'olga') }, options),
  /** Its table has a default that the collection does not declare. */
  by_table: collection('by_table', { ...fields, ownerId: text() }, options),
  /** The owner is computed from another field. */
  by_column: collection(
    'by_column',
    { ...fields, name: text(), ownerId: text().generatedAlwaysAs(sql`lower(name)`) },
    options,
  ),
  /** The rule asks for no owner where there is one. */
  unclaimed_by_table: collection(
    'unclaimed_by_table',
    { ...fields, ownerId: text() },
    { ...options, access: { '*': { read: true, create: 'unclaimed-or-own' } } },
  ),
}

let gallery: Gallery
beforeAll(async () => {
  gallery = await openGallery(defaulted)
  const table = (name: string, owner: string) =>
    `create table ${name} (record_id text primary key, created_by text, created_at timestamptz(3) not null,
       updated_at timestamptz(3) not null, version integer not null default 1, is_public boolean not null default true,
       name text, owner_id text ${owner})`
  await gallery.execute(
    [
      table('by_constant', "default 'olga'"),
      table('by_sql', "default 'ol' || 'ga'"),
      table('by_code', ''),
      table('by_table', "default 'olga'"),
      table('by_column', 'generated always as (lower(name)) stored'),
      table('unclaimed_by_table', "default 'olga'"),
      `insert into team_members (record_id, created_at, updated_at, team_id, user_id, status)
       values ${['olga', 'stan', 'tina'].map((user) => `('m-${user}', now(), now(), 'team-1', '${user}', 'active')`)}`,
    ].join(';'),
  )
})
afterAll(() => gallery[Symbol.asyncDispose]())

type Owner = 'absent' | 'null' | 'empty' | 'self' | 'other'
const OWNERS: readonly Owner[] = ['absent', 'null', 'empty', 'self', 'other']
const NOBODY: readonly Owner[] = ['absent', 'null', 'empty']
const OWN_OR_NOBODY: readonly Owner[] = [...NOBODY, 'self']
const ACTORS = ['stan', 'tina', 'anonymous'] as const
type Actor = (typeof ACTORS)[number]

/** Whom a caller may make the owner of a record that is otherwise one of those they may create. */
const MAY: Record<RuleName, Record<Actor, readonly Owner[]>> = {
  all: { stan: OWNERS, tina: OWNERS, anonymous: OWNERS },
  none: { stan: [], tina: [], anonymous: [] },
  own: { stan: ['self'], tina: ['self'], anonymous: [] },
  // Without an ownerField the owner is whoever creates it, and `ownerId` a field like any other.
  created: { stan: OWNERS, tina: OWNERS, anonymous: [] },
  unclaimed: { stan: OWN_OR_NOBODY, tina: OWN_OR_NOBODY, anonymous: NOBODY },
  collaborator: { stan: OWN_OR_NOBODY, tina: OWN_OR_NOBODY, anonymous: [] },
  team: { stan: OWN_OR_NOBODY, tina: OWN_OR_NOBODY, anonymous: [] },
  published: { stan: OWN_OR_NOBODY, tina: OWN_OR_NOBODY, anonymous: NOBODY },
  labelled: { stan: OWN_OR_NOBODY, tina: OWN_OR_NOBODY, anonymous: NOBODY },
  shared: { stan: OWN_OR_NOBODY, tina: OWN_OR_NOBODY, anonymous: NOBODY },
  function: { stan: OWNERS, tina: OWNERS, anonymous: [] },
  chosen: { stan: OWNERS, tina: [], anonymous: [] },
  empty: { stan: [], tina: [], anonymous: [] },
}

function ownerData(owner: Owner, actor: Actor): Record<string, unknown> {
  switch (owner) {
    case 'absent':
      return {}
    case 'null':
      return { ownerId: null }
    case 'empty':
      return { ownerId: '' }
    case 'self':
      // Somebody without an id has none to give: to them it is another's.
      return { ownerId: actor }
    case 'other':
      return { ownerId: 'olga' }
  }
}

let minted = 0

async function rowOf(collection: string, recordId: string) {
  const { rows } = await gallery.app.database.query({
    sql: `select owner_id from ${collection} where record_id = $1`,
    params: [recordId],
  })
  return rows[0]
}

describe.each(['tRPC', 'REST', 'asCaller'])('over %s', (name) => {
  const transport = () => {
    const found = gallery.transports.find((candidate) => candidate.name === name)
    if (!found) throw new Error(`There is no transport ${name}`)
    return found
  }
  const actors = name === 'asCaller' ? ACTORS.filter((actor) => actor !== 'anonymous') : ACTORS

  it.each(RULE_NAMES)('under the rule "%s" a new record is its creator’s or nobody’s', async (rule) => {
    for (const actor of actors) {
      for (const owner of OWNERS) {
        const data = {
          ...ownerData(owner, actor),
          sharedWith: [actor],
          teamId: 'team-1',
          isPublic: true,
          label: 'open',
        }
        const expected = MAY[rule][actor].includes(owner) ? 'ok' : 'FORBIDDEN'
        minted += 1
        const ids = [undefined, `new-${minted}`]
        for (const recordId of ids) {
          const made = await transport().call(actor, 'create', `open_${rule}`, { data, recordId })
          expect([actor, owner, recordId, made.success ? 'ok' : made.code]).toEqual([
            actor,
            owner,
            recordId,
            expected,
          ])
        }
        expect((await rowOf(`open_${rule}`, `new-${minted}`)) !== undefined).toBe(expected === 'ok')
      }
    }
  })

  it.each(Object.keys(defaulted))('a default does not make it somebody else’s: %s', async (collection) => {
    for (const actor of actors) {
      const named = collection === 'by_column' ? { name: 'Olga' } : {}
      minted += 1
      const recordId = `default-${minted}`
      const made = await transport().call(actor, 'create', collection, { data: named, recordId })
      const row = await rowOf(collection, recordId)
      // What the collection declares is asked about, and refused; what the table alone would add is left out.
      const isDeclared = !collection.endsWith('by_table')
      expect([actor, made.success ? 'ok' : made.code]).toEqual([actor, isDeclared ? 'FORBIDDEN' : 'ok'])
      expect(row).toEqual(isDeclared ? undefined : [null])
      const own = collection === 'by_column' ? { name: actor.toUpperCase() } : { ownerId: actor }
      const mine = await transport().call(actor, 'create', collection, { data: own })
      expect([actor, mine.success]).toEqual([actor, actor !== 'anonymous'])
    }
  })
})
