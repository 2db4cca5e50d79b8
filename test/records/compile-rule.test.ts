import { eq, type SQL, sql } from 'drizzle-orm'
import { boolean, PgDialect, text } from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Rule, RuleActor } from '../../drizzle/engine/access.ts'
import { collection } from '../../drizzle/engine/collection.ts'
import {
  type AccessColumns,
  allOf,
  anyOf,
  compileRule,
  toSql,
  toValue,
} from '../../server/records/compile-rule.ts'

const dialect = new PgDialect({ casing: 'snake_case' })
const members = collection('team_members', { teamId: text(), userId: text(), status: text() })
const docs = collection('docs', {
  ownerId: text(),
  sharedWith: text().array(),
  teamId: text(),
  isPublic: boolean(),
})
const columns: AccessColumns = {
  table: docs,
  owner: docs.ownerId,
  collaborators: docs.sharedWith,
  team: {
    column: docs.teamId,
    members: { table: members, teamId: members.teamId, userId: members.userId, status: members.status },
  },
  visibility: { column: docs.isPublic, value: true },
}

const ada: RuleActor = { userId: 'ada', role: 'member', isOwner: false }
const nobody: RuleActor = { userId: null, role: 'viewer', isOwner: false }

function render(condition: SQL | boolean) {
  if (typeof condition === 'boolean') return condition
  const { sql: statement, params } = dialect.sqlToQuery(condition)
  return [statement, ...params]
}

const OWN = '"docs"."owner_id" = $1'
const LISTED = (n: number) => `"docs"."shared_with" @> $${n}`
const VISIBLE = (n: number) => `"docs"."is_public" = $${n}`
const UNCLAIMED = `("docs"."owner_id" is null or "docs"."owner_id" = '')`
const TEAM = (n: number) =>
  `"docs"."team_id" = any(array(select "team_members"."team_id" from "team_members" where "team_members"."user_id" = $${n} and "team_members"."status" = $${n + 1}))`

describe('a rule', () => {
  it.each<[Rule | undefined, unknown, unknown]>([
    [undefined, false, false],
    [true, true, true],
    [false, false, false],
    ['own', [OWN, 'ada'], false],
    ['unclaimed-or-own', [`(${UNCLAIMED} or ${OWN})`, 'ada'], [UNCLAIMED]],
    ['collaborator', [`(${OWN} or ${LISTED(2)})`, 'ada', '{"ada"}'], false],
    ['team', [`(${OWN} or ${LISTED(2)} or ${TEAM(3)})`, 'ada', '{"ada"}', 'ada', 'active'], false],
    ['published', [`(${OWN} or ${VISIBLE(2)})`, 'ada', true], [VISIBLE(1), true]],
    ['shared', [`(${OWN} or ${LISTED(2)} or ${VISIBLE(3)})`, 'ada', '{"ada"}', true], [VISIBLE(1), true]],
  ])('%s is one condition for a user, and another for nobody', (rule, forAda, forNobody) => {
    expect(render(compileRule(columns, rule, ada))).toEqual(forAda)
    expect(render(compileRule(columns, rule, nobody))).toEqual(forNobody)
  })

  it('of a collection without such fields asks for the owner alone', () => {
    const bare = { ...columns, collaborators: undefined, team: undefined, visibility: undefined }
    for (const rule of ['collaborator', 'team', 'published', 'shared'] as const)
      expect(render(compileRule(bare, rule, ada))).toEqual([OWN, 'ada'])
  })

  it('can be a function of the actor and the record’s columns', () => {
    const rule = ((actor: RuleActor, doc: typeof docs) => eq(doc.teamId, `${actor.role}s`)) as Rule
    expect(render(compileRule(columns, rule, ada))).toEqual(['"docs"."team_id" = $1', 'members'])
  })

  it('that returns no condition denies, and one that throws is not swallowed', () => {
    expect(compileRule(columns, () => undefined, ada)).toBe(false)
    expect(() =>
      compileRule(
        columns,
        () => {
          throw new Error('broken rule')
        },
        ada,
      ),
    ).toThrow('broken rule')
  })

  it('holds a user’s id as a bound value only, whatever it is', () => {
    const rules = ['own', 'unclaimed-or-own', 'collaborator', 'team', 'published', 'shared'] as const
    const strange = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom(`' or 1=1 --`, '$1', '%', '"', '\\'),
    )
    fc.assert(
      fc.property(fc.constantFrom(...rules), strange, (rule, userId) => {
        const [statement, ...params] = [render(compileRule(columns, rule, { ...ada, userId }))].flat()
        const [usual] = [render(compileRule(columns, rule, ada))].flat()
        expect(statement).toBe(usual)
        expect(params).toContain(userId)
      }),
    )
  })
})

describe('conditions', () => {
  it('fold what is always or never true', () => {
    expect(anyOf(false, true, sql`x`)).toBe(true)
    expect(anyOf(false, false)).toBe(false)
    expect(render(anyOf(false, sql`x`))).toEqual(['x'])
    expect([allOf(true, false, sql`x`), allOf(true, true)]).toEqual([false, true])
    expect(render(allOf(true, sql`x`))).toEqual(['x'])
  })

  it('hold all of them, whatever is written in one', () => {
    expect(render(allOf(sql`x or y`, sql`z`))).toEqual(['((x or y) and (z))'])
  })

  it('are true or false as a value, even where a column is empty', () => {
    expect(render(toValue(sql`x`))).toEqual(['((x) is true)'])
    expect([render(toValue(true)), render(toSql(false)), render(toSql(sql`x or y`))]).toEqual([
      ['true'],
      ['false'],
      ['(x or y)'],
    ])
  })
})
