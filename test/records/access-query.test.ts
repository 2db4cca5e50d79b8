import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roleOf } from '../../server/auth/role.ts'
import { type AccessQuery, accessStatement, newAccessStatement } from '../../server/records/access-query.ts'
import { createPolicies, type Permission } from '../../server/records/policy.ts'
import { createCatalog } from '../../server/tools/catalog.ts'
import { hasStoredRole } from '../../server/tools/stored-role.ts'
import { gallery } from './gallery.ts'

const catalog = createCatalog(gallery)
const policies = createPolicies(catalog)
const anyId = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('stan', '$1', "'", '{a,b}', 'userId'))
const anyRole = fc.constantFrom(null, 'admin', 'member', 'viewer', 'editor')

/** A caller without a token, one whose role was read, or one whose role is presumed. */
const asker = fc.oneof(
  fc.constant({ kind: 'nobody' } as const),
  fc.record({ kind: fc.constant('known' as const), userId: anyId, stored: anyRole }),
  fc.record({ kind: fc.constant('presumed' as const), userId: anyId, stored: anyRole }),
)
type Asker = typeof asker extends fc.Arbitrary<infer T> ? T : never
const question: fc.Arbitrary<AccessQuery> = fc.record({
  operation: fc.constantFrom('read', 'update', 'remove'),
  recordId: anyId,
  isRead: fc.boolean(),
})

describe.each([...policies])('an access query about a record of "%s"', (_name, policy) => {
  function permissionOf(who: Asker): Permission {
    if (who.kind === 'nobody') return policy.for({ userId: null, role: 'viewer', isOwner: false })
    const { userId, stored } = who
    const actor = { userId, role: roleOf(stored), isOwner: false }
    return who.kind === 'known'
      ? policy.for(actor)
      : policy.for(actor, { value: stored, holds: (userId, role) => hasStoredRole(catalog, userId, role) })
  }

  it('has the statement that would be written without the cache, for every caller', () => {
    fc.assert(
      fc.property(asker, question, (who, asked) => {
        const permission = permissionOf(who)
        const anew = newAccessStatement(permission, asked)
        expect(accessStatement(permission, asked)).toEqual(anew)
        // Now its text is known.
        expect(accessStatement(permissionOf(who), asked)).toEqual(anew)
        for (const operation of ['read', 'create', 'update', 'remove'] as const)
          expect(permission.allowsSome(operation)).toBe(permission.condition(operation) !== false)
      }),
    )
  })
})
