import { type ActionResult, actionRegistry } from 'deputyjs'
import { integer, jsonb, text, varchar } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import * as appCollections from '../fixture/collections.ts'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

// limits.md: field

const everyone = { read: true, create: true, update: true, remove: true } as const

const sized = collection(
  'sized',
  {
    plain: text(),
    code: varchar({ length: 5 }),
    essay: text(),
    tags: text().array(),
    codes: varchar({ length: 3 }).array(),
    numbers: integer().array(),
    payload: jsonb(),
    small: jsonb(),
  },
  {
    access: { '*': everyone },
    maxLength: { essay: 20_000, small: 10, tags: 100 },
    maxElements: { numbers: 3 },
  },
)

type Verb = (ctx: ActionContext, data: object) => Promise<ActionResult<unknown>>
/** The tools of an app whose collections the test made itself. */
type Untyped = Record<
  'create' | 'update' | 'updateWhere',
  (...values: readonly unknown[]) => Promise<ActionResult<unknown>>
>
const tools = (ctx: ActionContext) => ctx.tools as unknown as Untyped
const records = (ctx: ActionContext) => ctx.asCaller as unknown as Untyped

const VERBS: Readonly<Record<string, Verb>> = {
  'tools.create': (ctx, data) => tools(ctx).create('sized', data),
  'tools.create with an id': (ctx, data) => tools(ctx).create('sized', data, 'merged'),
  'tools.update': (ctx, data) => tools(ctx).update('sized', 'known', data),
  'tools.updateWhere': (ctx, data) => tools(ctx).updateWhere('sized', { recordId: 'known' }, data),
  'asCaller.create': (ctx, data) => records(ctx).create('sized', data),
  'asCaller.create with an id': (ctx, data) => records(ctx).create('sized', data, 'merged'),
  'asCaller.update': (ctx, data) => records(ctx).update('sized', 'known', data),
}

const input = z.strictObject({ verb: z.string(), field: z.string(), size: z.string() })
const write = action.input(input).mutation(async ({ ctx, input }) => {
  const verb = VERBS[input.verb]
  const value = VALUES.get(input.size)?.value
  if (!verb) throw new Error('No such verb')
  return verb(ctx as unknown as ActionContext, { [input.field]: value })
})

interface Case {
  readonly field: string
  readonly value: unknown
  /** What the refusal says; undefined for a value that is stored. */
  readonly problem?: string
}

const CASES: Readonly<Record<string, Case>> = {
  'a text at its limit': { field: 'plain', value: 'ä'.repeat(10_000) },
  'a text beyond it': {
    field: 'plain',
    value: 'a'.repeat(10_001),
    problem: 'must have at most 10000 characters; it has 10001',
  },
  'emoji count as one character each': { field: 'plain', value: '😀'.repeat(10_000) },
  'an emoji too many': {
    field: 'plain',
    value: '😀'.repeat(10_001),
    problem: 'must have at most 10000 characters; it has 10001',
  },
  'a longer limit of the collection': { field: 'essay', value: 'a'.repeat(20_000) },
  'beyond a longer limit': {
    field: 'essay',
    value: 'a'.repeat(20_001),
    problem: 'must have at most 20000 characters; it has 20001',
  },
  'a varchar at its length': { field: 'code', value: 'abcde' },
  'a varchar beyond it': {
    field: 'code',
    value: 'abcdef',
    problem: 'must have at most 5 characters; it has 6',
  },
  'a text of an array at its limit': { field: 'tags', value: ['a', 'b'.repeat(100)] },
  'a text of an array beyond it': {
    field: 'tags',
    value: ['a', 'b'.repeat(101)],
    problem: 'must have at most 100 characters in each element; it has 101',
  },
  'an array at its limit': { field: 'tags', value: Array(1_000).fill('a'.repeat(100)) },
  'an array beyond it': {
    field: 'tags',
    value: Array(1_001).fill('a'),
    problem: 'must have at most 1000 elements; it has 1001',
  },
  'a varchar of an array beyond its length': {
    field: 'codes',
    value: ['abcd'],
    problem: 'must have at most 3 characters in each element; it has 4',
  },
  'an array at the limit of its collection': { field: 'numbers', value: [1, 2, 3] },
  'an array beyond the limit of its collection': {
    field: 'numbers',
    value: [1, 2, 3, 4],
    problem: 'must have at most 3 elements; it has 4',
  },
  'JSON at its limit': { field: 'payload', value: 'a'.repeat(99_998) },
  'JSON beyond it': {
    field: 'payload',
    value: { deep: ['a'.repeat(100_000)] },
    problem: 'must have at most 100000 characters as JSON; it has 100013',
  },
  'JSON beyond the limit of its collection': {
    field: 'small',
    value: [1, 2, 3, 4, 5, 6],
    problem: 'must have at most 10 characters as JSON; it has 13',
  },
}
const VALUES = new Map(Object.entries(CASES))

const TABLE = `
  create table sized (
    record_id text primary key, created_by text, created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null, version integer not null default 1,
    plain text, code varchar(5), essay text, tags text[], codes varchar(3)[], numbers integer[],
    payload jsonb, small jsonb);
  insert into sized (record_id, created_at, updated_at) values ('known', now(), now())`

const open = () =>
  createTestApp({ actions: actionRegistry({ write }), collections: { ...appCollections, sized } })
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
  await execute(app.database, app.databaseUrl, TABLE)
})
afterAll(() => app[Symbol.asyncDispose]())

/** What comes of a value, whichever way it is written. */
function expectOutcome(way: string, answer: unknown, { field, problem }: Case) {
  if (problem === undefined) expect(answer, way).toMatchObject({ success: true })
  else {
    expect(answer, way).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect((answer as { error: string }).error, way).toContain(field)
    expect((answer as { error: string }).error, way).toContain(problem)
  }
}

describe.each(Object.entries(CASES))('%s', (size, expected) => {
  it('comes to the same by every tool', async () => {
    const caller = await app.as('ada')
    for (const verb of Object.keys(VERBS)) {
      const answer = await caller.actions.write({ verb, field: expected.field, size })
      expectOutcome(verb, answer, expected)
    }
  })

  it('comes to the same by REST and tRPC', async () => {
    const url = await app.listen()
    const headers = { authorization: `Bearer ${await app.token('ada')}`, 'content-type': 'application/json' }
    const data = { [expected.field]: expected.value }
    for (const [method, path] of [
      ['POST', ''],
      ['PUT', '/put'],
      ['PATCH', '/known'],
    ]) {
      const response = await fetch(`${url}/api/records/sized${path}`, {
        method: String(method),
        headers,
        body: JSON.stringify(data),
      })
      expectOutcome(`${method} records`, await response.json(), expected)
      expect(response.ok, `${method} records`).toBe(expected.problem === undefined)
    }
    const { sized: procedures } = (await app.as('ada')).records
    expectOutcome('records.create', await procedures.create({ data }), expected)
    expectOutcome('records.update', await procedures.update({ recordId: 'known', patch: data }), expected)
  })
})

describe('a claim that is longer than its field', () => {
  it('is left out, and its user is registered all the same', async () => {
    const caller = await app.as('long-name', { name: 'n'.repeat(10_001), picture: 'https://a.example/x.png' })
    const registered = await caller.users.register()
    expect(registered).toMatchObject({
      success: true,
      data: { user: { data: { name: null, imageUrl: 'https://a.example/x.png' } } },
    })
    expect(app.logged.map(({ msg }) => msg)).toContain(
      'The claim for a field of users is left out: it must have at most 10000 characters; it has 10001',
    )
  })
})

it('the compiler knows which fields have a length', () => {
  const fields = { plain: text(), count: integer(), tags: text().array() }
  // @ts-expect-error A number has no length.
  expect(() => collection('limited', fields, { maxLength: { count: 5 } })).toThrow('count')
  // @ts-expect-error A text has no elements.
  expect(() => collection('limited', fields, { maxElements: { plain: 5 } })).toThrow('plain')
})

describe('a limit that cannot be kept is refused at definition', () => {
  it.each([
    [{ maxLength: { code: 6 } }, 'maxLength of "code" is 6, but its column holds 5 characters'],
    [{ maxLength: { count: 6 } }, 'maxLength names "count", which is no text, JSON or array of texts'],
    [{ maxLength: { numbers: 6 } }, 'maxLength names "numbers", which is no text, JSON or array of texts'],
    [{ maxLength: { missing: 6 } }, 'maxLength names "missing", which is no text, JSON or array of texts'],
    [{ maxLength: { plain: 0 } }, 'maxLength of "plain" must be a whole number from 1 to 10000000'],
    [{ maxLength: { plain: 1.5 } }, 'maxLength of "plain" must be a whole number from 1 to 10000000'],
    [{ maxElements: { plain: 5 } }, 'maxElements names "plain", which is no array'],
  ])('%j', (options, message) => {
    const fields = {
      plain: text(),
      code: varchar({ length: 5 }),
      count: integer(),
      numbers: integer().array(),
    }
    expect(() => collection('limited', fields, options as object)).toThrow(message)
  })
})
