import { and, eq, inArray, sql } from 'drizzle-orm'
import { boolean, text } from 'drizzle-orm/pg-core'
import type { Rule, RuleActor } from '../../drizzle/engine/access.ts'
import { type AnyCollection, collection } from '../../drizzle/engine/collection.ts'
import { users } from '../fixture/collections.ts'

const members = collection('team_members', {
  teamId: text().notNull(),
  userId: text().notNull(),
  status: text().notNull(),
})

const fields = () => ({
  ownerId: text(),
  sharedWith: text().array(),
  teamId: text(),
  isPublic: boolean().notNull().default(false),
  label: text(),
  note: text(),
})

const named = {
  ownerField: 'ownerId',
  collaboratorsField: 'sharedWith',
  teamField: 'teamId',
  visibilityField: 'isPublic',
} as const

/** The record's columns, as a rule that is written apart from its collection sees them. */
type Columns = ReturnType<typeof made>

const made = () => collection('columns', fields(), named)

/** Whoever has anything to do with the record's team, active or not. */
const ofTeam = (actor: RuleActor, doc: Columns) =>
  actor.userId !== null &&
  inArray(
    doc.teamId,
    sql`(select ${members.teamId} from ${members} where ${and(eq(members.userId, actor.userId))})`,
  )

/** Every rule, and the collection that it rules wholly. */
const RULES = {
  all: true,
  none: false,
  own: 'own',
  created: 'own',
  unclaimed: 'unclaimed-or-own',
  collaborator: 'collaborator',
  team: 'team',
  published: 'published',
  labelled: 'published',
  shared: 'shared',
  function: ofTeam,
  chosen: ({ userId }: RuleActor) => userId === 'stan',
  empty: () => undefined,
} as const

export type RuleName = keyof typeof RULES
export const RULE_NAMES = Object.keys(RULES) as RuleName[]

/** `strict`: every operation is under the rule. `open`: everybody reads. */
export const MODES = ['strict', 'open'] as const
export type Mode = (typeof MODES)[number]

function ruled(name: RuleName, mode: Mode): AnyCollection {
  const rule = RULES[name] as Rule // The columns of all of these collections are the same.
  const access = { '*': { read: mode === 'open' ? true : rule, create: rule, update: rule, remove: rule } }
  const { ownerField: _, ...ownerless } = named
  const options = {
    created: { ...ownerless, access },
    labelled: { ...named, visibilityField: { field: 'label', value: 'open' }, access },
  }[name as string] ?? { ...named, access }
  return collection(`${mode}_${name}`, fields(), options as typeof named)
}

const read = { read: true } as const
/** Collections that differ by role. */
const roled = {
  starred: collection('starred', fields(), { access: { '*': read, member: { create: true } } }),
  edited: collection('edited', fields(), { access: { editor: { read: true, update: true } } }),
  admins: collection('admins', fields(), { access: { admin: { read: true, remove: true }, viewer: read } }),
}

const all: Record<string, AnyCollection> = { users, members, ...roled }
for (const mode of MODES) for (const name of RULE_NAMES) all[`${mode}_${name}`] = ruled(name, mode)

/** To be given to an app as its collections. */
export const gallery: Readonly<Record<string, AnyCollection>> = all

const SYSTEM = `record_id text primary key, created_by text, created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(), version integer not null default 1`

/** The tables of the gallery, without `users`, which every database has. */
export const GALLERY_TABLES = [
  `create table team_members (${SYSTEM}, team_id text not null, user_id text not null, status text not null)`,
  ...Object.keys(all)
    .filter((name) => name !== 'users' && name !== 'members')
    .map(
      (name) => `create table ${name} (${SYSTEM}, owner_id text, shared_with text[], team_id text,
        is_public boolean not null default false, label text, note text)`,
    ),
].join(';')
