import { boolean, integer, text, uuid } from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import { DefinitionError } from '../../server/core/errors.ts'
import { createPolicies } from '../../server/records/policy.ts'
import { createCatalog } from '../../server/tools/catalog.ts'
import * as collections from '../fixture/collections.ts'

// Each of these is what the types refuse as well, or cannot see.
const fields = { ownerId: text(), id: uuid(), size: integer(), open: boolean(), people: text().array() }
const define = (options: object) => () => collection('docs', fields, options as never)
const policies = (more: Record<string, unknown>) =>
  createPolicies(createCatalog({ users: collections.users, ...more }))

describe('a collection is not defined', () => {
  it.each([
    ['a role that is no name', { access: { 'Big Boss': {} } }, '"Big Boss" is no role'],
    ['an operation that there is not', { access: { member: { write: true } } }, 'has "write"; it takes read'],
    [
      'a rule that there is not',
      { access: { member: { read: 'owner' } } },
      'is no rule; rules are true, false, own',
    ],
    ['a readable field that there is not', { access: { member: { readableFields: ['x'] } } }, 'names "x"'],
    ['a writable field that there is not', { access: { member: { writableFields: ['x'] } } }, 'names "x"'],
    ['an owner field that there is not', { ownerField: 'x' }, 'ownerField names "x", which is no field'],
    ['an owner field that is no text', { ownerField: 'id' }, 'ownerField must be a field of type text'],
    ['a team field that is no text', { teamField: 'size' }, 'teamField must be a field of type text'],
    [
      'collaborators that are no list',
      { collaboratorsField: 'ownerId' },
      'must be a field of type text().array()',
    ],
    [
      'a flag that is no boolean',
      { visibilityField: 'ownerId' },
      'visibilityField must be a field of type boolean',
    ],
    [
      'unclaimed without an owner',
      { access: { member: { read: 'unclaimed-or-own' } } },
      'needs an ownerField',
    ],
    [
      'collaborators without a field',
      { access: { member: { read: 'collaborator' } } },
      'needs a collaboratorsField',
    ],
    ['a team without a field', { access: { member: { read: 'team' } } }, 'needs a teamField'],
    ['published without a field', { access: { member: { read: 'published' } } }, 'needs a visibilityField'],
    [
      'shared with half of its fields',
      { visibilityField: 'open', access: { member: { read: 'shared' } } },
      'needs a collaboratorsField and a visibilityField',
    ],
  ])('with %s', (_what, options, message) => {
    expect(define(options)).toThrow(DefinitionError)
    expect(define(options)).toThrow(message)
  })

  it.each(['constructor', 'then', 'call', '__proto__', 'Docs', 'a-b'])('under the name %s', (name) => {
    expect(() => collection(name, fields)).toThrow('Collection name')
  })
})

describe('claims', () => {
  it.each([
    ['the role', { systemManaged: ['ownerId'], claims: { role: 'role' } }],
    ['a field that callers may write', { claims: { ownerId: 'sub' } }],
  ])('do not fill %s', (_what, options) => {
    expect(define(options)).toThrow('a claim may not fill')
  })
})

describe('the access rules of an app', () => {
  const team = { teamField: 'ownerId', access: { member: { read: 'team' } } } as const

  it('need memberships where a rule asks for a team', () => {
    const docs = collection('docs', fields, team)
    expect(() => policies({ docs })).toThrow(
      'Collection "docs" has a teamField, so there must be a collection "team_members"',
    )
    const half = collection('team_members', { teamId: text(), userId: text() })
    expect(() => policies({ docs, half })).toThrow('with the text fields teamId, userId and status')
    const whole = collection('crews', { teamId: text(), userId: text(), status: text() })
    expect(() =>
      policies({ docs: collection('docs', fields, { ...team, teamMembers: 'crews' }), whole }),
    ).not.toThrow()
  })

  it('let nobody create who could not write what every record needs', () => {
    const docs = collection(
      'docs',
      { title: text().notNull(), note: text() },
      { access: { member: { create: true, writableFields: ['note'] } } },
    )
    expect(() => policies({ docs })).toThrow('role "member" may create, but not write title')
  })

  it('name the roles that there are', () => {
    expect(policies({ ...collections }).get('events')?.roles).toEqual(['member', 'admin'])
  })
})
