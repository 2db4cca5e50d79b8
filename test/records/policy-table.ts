// Who may do what, written by hand. The runner in policy.test.ts does every row over every transport.
import type { RuleName } from './gallery.ts'

/** The people of the records below. */
export const PEOPLE = ['olga', 'carl', 'colin', 'tina', 'ivan', 'stan'] as const
/** olga owns, carl created, colin is listed, tina is in the team, ivan is invited to it, stan is a stranger. */
export type Person = (typeof PEOPLE)[number]
export type Actor = Person | 'anonymous'

export const STATES = {
  private: { ownerId: 'olga', sharedWith: ['colin'], teamId: 'team-1', isPublic: false, label: 'closed' },
  public: { ownerId: 'olga', sharedWith: ['colin'], teamId: 'team-1', isPublic: true, label: 'open' },
  bare: { ownerId: null, sharedWith: null, teamId: null, isPublic: false, label: null },
} as const
export type State = keyof typeof STATES

const EVERYBODY: readonly Actor[] = [...PEOPLE, 'anonymous']
const NOBODY: readonly Actor[] = []

/** Whom the rule lets through for a record in each state; the others are refused. */
export const ALLOWED: Record<RuleName, Record<State, readonly Actor[]>> = {
  all: { private: EVERYBODY, public: EVERYBODY, bare: EVERYBODY },
  none: { private: NOBODY, public: NOBODY, bare: NOBODY },
  own: { private: ['olga'], public: ['olga'], bare: NOBODY },
  created: { private: ['carl'], public: ['carl'], bare: ['carl'] },
  unclaimed: { private: ['olga'], public: ['olga'], bare: EVERYBODY },
  collaborator: { private: ['olga', 'colin'], public: ['olga', 'colin'], bare: NOBODY },
  team: { private: ['olga', 'colin', 'tina'], public: ['olga', 'colin', 'tina'], bare: NOBODY },
  published: { private: ['olga'], public: EVERYBODY, bare: NOBODY },
  labelled: { private: ['olga'], public: EVERYBODY, bare: NOBODY },
  shared: { private: ['olga', 'colin'], public: EVERYBODY, bare: NOBODY },
  function: { private: ['tina', 'ivan'], public: ['tina', 'ivan'], bare: NOBODY },
  chosen: { private: ['stan'], public: ['stan'], bare: ['stan'] },
  empty: { private: NOBODY, public: NOBODY, bare: NOBODY },
}

/** Who is refused by the rule itself, whatever the record: FORBIDDEN, and no record is looked for. */
export const NEVER: Record<RuleName, readonly Actor[]> = {
  all: NOBODY,
  none: EVERYBODY,
  own: ['anonymous'],
  created: ['anonymous'],
  unclaimed: NOBODY,
  collaborator: ['anonymous'],
  team: ['anonymous'],
  published: NOBODY,
  labelled: NOBODY,
  shared: NOBODY,
  function: ['anonymous'],
  chosen: ['olga', 'carl', 'colin', 'tina', 'ivan', 'anonymous'],
  empty: EVERYBODY,
}

export type Code = 'ok' | 'FORBIDDEN' | 'NOT_FOUND' | 'CONFLICT' | 'BAD_REQUEST'

/** Writes to a record that the actor may update, which may move it to where they may not. */
export const MOVES: readonly (readonly [RuleName, Actor, State, Record<string, unknown>, Code])[] = [
  ['own', 'olga', 'private', { note: 'mine' }, 'ok'],
  ['own', 'olga', 'private', { ownerId: 'stan' }, 'FORBIDDEN'],
  ['own', 'olga', 'private', { ownerId: null }, 'FORBIDDEN'],
  ['created', 'carl', 'private', { ownerId: 'stan' }, 'ok'],
  ['unclaimed', 'olga', 'private', { ownerId: null }, 'ok'],
  ['unclaimed', 'olga', 'private', { ownerId: '' }, 'ok'],
  ['unclaimed', 'olga', 'private', { ownerId: 'stan' }, 'FORBIDDEN'],
  ['unclaimed', 'stan', 'bare', { ownerId: 'stan' }, 'ok'],
  ['unclaimed', 'stan', 'bare', { ownerId: 'olga' }, 'FORBIDDEN'],
  ['unclaimed', 'anonymous', 'bare', { note: 'hello' }, 'ok'],
  ['unclaimed', 'anonymous', 'bare', { ownerId: 'olga' }, 'FORBIDDEN'],
  ['collaborator', 'colin', 'private', { sharedWith: [] }, 'FORBIDDEN'],
  ['collaborator', 'colin', 'private', { sharedWith: null }, 'FORBIDDEN'],
  ['collaborator', 'colin', 'private', { sharedWith: null, ownerId: 'colin' }, 'FORBIDDEN'],
  ['collaborator', 'colin', 'private', { ownerId: 'colin' }, 'FORBIDDEN'],
  ['collaborator', 'colin', 'private', { ownerId: 'olga', note: 'still hers' }, 'ok'],
  ['collaborator', 'olga', 'private', { ownerId: 'colin', sharedWith: ['olga'] }, 'ok'],
  ['collaborator', 'olga', 'private', { sharedWith: ['stan', 'it"s, {odd}'] }, 'ok'],
  ['team', 'tina', 'private', { note: 'ours' }, 'ok'],
  ['team', 'tina', 'private', { teamId: 'team-2' }, 'FORBIDDEN'],
  ['team', 'tina', 'private', { teamId: null }, 'FORBIDDEN'],
  ['team', 'tina', 'private', { ownerId: 'tina' }, 'FORBIDDEN'],
  ['team', 'tina', 'private', { ownerId: null }, 'FORBIDDEN'],
  ['published', 'stan', 'public', { isPublic: false }, 'FORBIDDEN'],
  ['published', 'stan', 'public', { ownerId: 'stan' }, 'FORBIDDEN'],
  ['shared', 'stan', 'public', { ownerId: 'stan', isPublic: false }, 'FORBIDDEN'],
  ['published', 'stan', 'public', { note: 'hello' }, 'ok'],
  ['published', 'olga', 'public', { isPublic: false }, 'ok'],
  ['labelled', 'stan', 'public', { label: 'closed' }, 'FORBIDDEN'],
  ['labelled', 'stan', 'public', { label: null }, 'FORBIDDEN'],
  ['labelled', 'stan', 'public', { isPublic: false }, 'ok'],
  ['shared', 'colin', 'private', { sharedWith: null }, 'FORBIDDEN'],
  ['shared', 'colin', 'public', { sharedWith: null }, 'ok'],
  ['shared', 'stan', 'public', { isPublic: false }, 'FORBIDDEN'],
  ['shared', 'stan', 'public', { isPublic: false, sharedWith: ['stan'] }, 'ok'],
  ['function', 'ivan', 'private', { note: 'hello' }, 'ok'],
  ['function', 'tina', 'private', { teamId: 'team-2' }, 'FORBIDDEN'],
  ['chosen', 'stan', 'private', { ownerId: 'stan' }, 'ok'],
  ['all', 'anonymous', 'private', { ownerId: null }, 'ok'],
]

export const CREATIONS: readonly (readonly [RuleName, Actor, Record<string, unknown>, Code])[] = [
  ['all', 'anonymous', {}, 'ok'],
  ['none', 'olga', {}, 'FORBIDDEN'],
  ['own', 'olga', { ownerId: 'olga' }, 'ok'],
  ['own', 'olga', { ownerId: 'stan' }, 'FORBIDDEN'],
  ['own', 'olga', {}, 'FORBIDDEN'],
  ['own', 'anonymous', { ownerId: 'olga' }, 'FORBIDDEN'],
  ['created', 'stan', {}, 'ok'],
  ['created', 'anonymous', {}, 'FORBIDDEN'],
  ['unclaimed', 'stan', {}, 'ok'],
  ['unclaimed', 'anonymous', {}, 'ok'],
  ['unclaimed', 'stan', { ownerId: 'olga' }, 'FORBIDDEN'],
  ['collaborator', 'stan', { sharedWith: ['stan'] }, 'ok'],
  ['collaborator', 'stan', { sharedWith: ['olga'] }, 'FORBIDDEN'],
  ['team', 'tina', { teamId: 'team-1' }, 'ok'],
  ['team', 'ivan', { teamId: 'team-1' }, 'FORBIDDEN'],
  ['team', 'tina', { teamId: 'team-2' }, 'FORBIDDEN'],
  ['published', 'stan', { isPublic: true }, 'ok'],
  ['published', 'anonymous', { isPublic: true }, 'ok'],
  // What is not given is what the table's default makes of it.
  ['published', 'stan', {}, 'FORBIDDEN'],
  ['labelled', 'stan', { label: 'open' }, 'ok'],
  ['labelled', 'stan', {}, 'FORBIDDEN'],
  ['shared', 'stan', { sharedWith: ['stan'] }, 'ok'],
  ['shared', 'stan', {}, 'FORBIDDEN'],
  ['function', 'ivan', { teamId: 'team-1' }, 'ok'],
  ['function', 'stan', { teamId: 'team-1' }, 'FORBIDDEN'],
  ['chosen', 'stan', {}, 'ok'],
  ['chosen', 'olga', {}, 'FORBIDDEN'],
  ['empty', 'olga', {}, 'FORBIDDEN'],
]

/** PUT to the id of a record that exists. `strict` collections only. */
export const UPSERTS: readonly (readonly [RuleName, Actor, State, Record<string, unknown>, Code])[] = [
  ['own', 'olga', 'private', { note: 'again' }, 'ok'],
  ['own', 'olga', 'private', { ownerId: 'stan' }, 'FORBIDDEN'],
  ['own', 'stan', 'private', { note: 'mine' }, 'FORBIDDEN'],
  ['own', 'stan', 'private', { ownerId: 'stan' }, 'CONFLICT'],
  ['unclaimed', 'stan', 'bare', { ownerId: 'stan' }, 'ok'],
  ['unclaimed', 'stan', 'private', {}, 'CONFLICT'],
  ['published', 'stan', 'public', { isPublic: true }, 'ok'],
  ['published', 'stan', 'public', { isPublic: false }, 'FORBIDDEN'],
  ['published', 'stan', 'private', { isPublic: true }, 'CONFLICT'],
  ['published', 'stan', 'private', { isPublic: false }, 'FORBIDDEN'],
  ['none', 'olga', 'private', {}, 'FORBIDDEN'],
  ['all', 'stan', 'private', {}, 'ok'],
]

/** edna has the role `editor`, ann `admin`; `owner` is the app's. */
export const ROLES: readonly (readonly [
  collection: string,
  actor: string,
  Record<'read' | 'create' | 'update' | 'remove', Code>,
])[] = [
  ['starred', 'anonymous', { read: 'ok', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'FORBIDDEN' }],
  ['starred', 'edna', { read: 'ok', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'FORBIDDEN' }],
  ['starred', 'owner', { read: 'ok', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'FORBIDDEN' }],
  // A role that is named takes nothing from '*'.
  ['starred', 'stan', { read: 'FORBIDDEN', create: 'ok', update: 'FORBIDDEN', remove: 'FORBIDDEN' }],
  ['edited', 'edna', { read: 'ok', create: 'FORBIDDEN', update: 'ok', remove: 'FORBIDDEN' }],
  ['edited', 'stan', { read: 'FORBIDDEN', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'FORBIDDEN' }],
  ['edited', 'ann', { read: 'FORBIDDEN', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'FORBIDDEN' }],
  ['edited', 'owner', { read: 'FORBIDDEN', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'FORBIDDEN' }],
  [
    'edited',
    'anonymous',
    { read: 'FORBIDDEN', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'FORBIDDEN' },
  ],
  ['admins', 'ann', { read: 'ok', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'ok' }],
  ['admins', 'owner', { read: 'ok', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'ok' }],
  ['admins', 'anonymous', { read: 'ok', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'FORBIDDEN' }],
  ['admins', 'stan', { read: 'FORBIDDEN', create: 'FORBIDDEN', update: 'FORBIDDEN', remove: 'FORBIDDEN' }],
]
