import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../server/core/result.ts'
import { breakingChanges } from '../../server/openapi/compare.ts'
import { Components } from '../../server/openapi/components.ts'
import { HEADERS, RESPONSES } from '../../server/openapi/failures.ts'
import { COMMON_PARAMETERS, type OperationOptions, operation } from '../../server/openapi/operation.ts'

type Io = Pick<OperationOptions, 'parameters' | 'key' | 'runsApp' | 'isOpen'> & {
  readonly input?: z.ZodType
  readonly output?: z.ZodType
}

/** A document with one action, of what it takes and answers. */
function documentOf(
  { input = z.strictObject({}), output = z.object({}), ...rest }: Io,
  path = '/api/actions/a',
): JsonObject {
  const components = new Components()
  const post = operation({
    id: 'a',
    tags: [],
    summary: 'a',
    body: {
      schema: components.describe('in', input, 'input', 'in'),
      isRequired: !input.safeParse({}).success,
    },
    data: components.describe('out', output, 'output', 'out'),
    ...rest,
  })
  return {
    security: [{ bearer: [] }],
    paths: { [path]: { post } },
    components: {
      headers: HEADERS,
      parameters: COMMON_PARAMETERS,
      responses: RESPONSES,
      schemas: components.schemas,
    },
  }
}

const Tree = z.object({
  get children() {
    return z.array(Tree)
  },
})
const inputs = (before: z.core.$ZodLooseShape, after: z.core.$ZodLooseShape) =>
  [{ input: z.strictObject(before) }, { input: z.strictObject(after) }] as const
const outputs = (before: z.core.$ZodLooseShape, after: z.core.$ZodLooseShape) =>
  [{ output: z.object(before) }, { output: z.object(after) }] as const
const text = z.string()

const ACTION = 'POST /api/actions/a'

const one = (before: z.ZodType, after: z.ZodType): readonly [Io, Io] => [
  { input: z.strictObject({ a: before.optional() }) },
  { input: z.strictObject({ a: after.optional() }) },
]
const more = (before: z.ZodType, after: z.ZodType): readonly [Io, Io] => [
  { output: z.strictObject({ a: before }) },
  { output: z.strictObject({ a: after }) },
]
const number = z.number()

/** What is told, though neither schema is closed or both say it in other words. */
const OPEN_FIELDS: [what: string, change: readonly [Io, Io], told: readonly string[]][] = [
  [
    'a field of an open object is not taken any more',
    one(z.object({ b: text, c: text.optional() }), z.object({})),
    ['input no longer takes a.b: is there', 'input no longer takes a.c: is there'],
  ],
  [
    'a field that may be absent is never answered any more',
    more(z.object({ b: text.optional() }), z.object({})),
    ['the answer 200 may be data.a.b: is gone'],
  ],
  [
    'keys are fewer',
    one(z.record(text, number), z.partialRecord(z.enum(['x']), number)),
    ['input no longer takes a.a key: any value'],
  ],
  [
    'keys have a pattern',
    one(z.record(text, number), z.record(text.regex(/^a/), number)),
    ['input no longer takes a.a key: pattern none'],
  ],
  ['nothing is taken any more', one(text, z.never()), ['input no longer takes a: nothing is']],
  ['choices are beyond a bound', one(z.enum(['abc', 'x']), text.max(2)), ['input no longer takes a: "abc"']],
  [
    'choices are none of a pattern',
    one(z.enum(['abc', 'x']), text.regex(/^x/)),
    ['input no longer takes a: "abc"'],
  ],
  ['a number is below a bound', one(z.literal(5), number.min(6)), ['input no longer takes a: 5']],
  ['choices are of more types', one(z.literal(['a', 5]), text), ['input no longer takes a: 5']],
  [
    'an answer is a choice of more types',
    more(text, z.literal(['a', 5])),
    ['the answer 200 may be data.a: 5'],
  ],
  [
    'what is not named must be of a type',
    one(z.object({ b: text }), z.object({ b: text }).catchall(number)),
    ['input no longer takes a.*: anything'],
  ],
  [
    'both of two must hold, and one of them is narrower',
    one(
      z.intersection(z.object({ b: text }), z.object({ c: text })),
      z.intersection(z.object({ b: text.max(3) }), z.object({ c: text })),
    ),
    ['input no longer takes a.b: maxLength none'],
  ],
]

/** What an operation may answer because the app's own code is run. */
const BY_APP = [402, 404, 405, 409, 412, 422, 502]

describe('a change that breaks clients', () => {
  it.each<[what: string, change: readonly [Io, Io], told: readonly string[]]>([
    ['a field is not taken any more', inputs({ a: text }, {}), ['input no longer takes a: is there']],
    [
      'a field must be given',
      inputs({}, { a: text }),
      ['a body is needed', 'input no longer takes a: may be absent'],
    ],
    [
      'a field may not be left out any more',
      inputs({ a: text.optional() }, { a: text }),
      ['a body is needed', 'input no longer takes a: may be absent'],
    ],
    ['another type is taken', inputs({ a: text }, { a: z.number() }), ['input no longer takes a: string']],
    ['null is not taken', inputs({ a: text.nullable() }, { a: text }), ['input no longer takes a: null']],
    [
      'less text is taken',
      inputs({ a: text.max(9) }, { a: text.max(8) }),
      ['input no longer takes a: maxLength 9'],
    ],
    [
      'an end is set',
      inputs({ a: z.number() }, { a: z.number().min(1) }),
      ['input no longer takes a: minimum none'],
    ],
    [
      'a pattern is set',
      inputs({ a: text }, { a: text.regex(/^a$/) }),
      ['input no longer takes a: pattern none'],
    ],
    [
      'whole numbers are taken alone',
      inputs({ a: z.number() }, { a: z.int() }),
      expect.arrayContaining(['input no longer takes a: number']),
    ],
    [
      'a choice is gone',
      inputs({ a: z.enum(['x', 'y']) }, { a: z.enum(['x']) }),
      ['input no longer takes a: "y"'],
    ],
    [
      'a choice is all that is taken',
      inputs({ a: text }, { a: z.enum(['x']) }),
      ['input no longer takes a: any value'],
    ],
    [
      'fewer items are taken',
      inputs({ a: z.array(text) }, { a: z.array(text).max(2) }),
      ['input no longer takes a: maxItems none'],
    ],
    [
      'items are others',
      inputs({ a: z.array(text) }, { a: z.array(z.int()) }),
      ['input no longer takes a[]: string'],
    ],
    [
      'a field deep within is gone',
      inputs({ a: z.strictObject({ b: text, c: text }) }, { a: z.strictObject({ b: text }) }),
      ['input no longer takes a.c: is there'],
    ],
    [
      'an option is gone',
      inputs({ a: z.union([text, z.strictObject({ b: text })]) }, { a: text }),
      ['input no longer takes a: object'],
    ],
    [
      'a key is needed',
      [{ key: 'taken' }, { key: 'needed' }],
      ['parameter Idempotency-Key in header is needed'],
    ],
    [
      'a key is not taken',
      [{ key: 'taken' }, {}],
      [
        'parameter Idempotency-Key in header is gone',
        'parameter Deputy-Tell-Writes in header is gone',
        'status 409 is gone',
        'status 422 is gone',
        'the answer 200 no longer has the header Idempotency-Replayed',
        'the answer 200 no longer has the header Deputy-Writes',
      ],
    ],
    ['a token is needed', [{ isOpen: true }, {}], ['needs a token']],
    ...OPEN_FIELDS,
    ['a field is not answered', outputs({ a: text }, {}), ['the answer 200 may be data.a: may be absent']],
    [
      'a field may be absent',
      outputs({ a: text }, { a: text.optional() }),
      ['the answer 200 may be data.a: may be absent'],
    ],
    [
      'a field may be null',
      outputs({ a: text }, { a: text.nullable() }),
      ['the answer 200 may be data.a: null'],
    ],
    [
      'a field has another type',
      outputs({ a: text }, { a: z.int() }),
      ['the answer 200 may be data.a: integer'],
    ],
    [
      'a choice is added',
      outputs({ a: z.enum(['x']) }, { a: z.enum(['x', 'y']) }),
      ['the answer 200 may be data.a: "y"'],
    ],
    [
      'a field may be anything',
      outputs({ a: text }, { a: z.any().nonoptional() }),
      ['the answer 200 may be data.a: any type'],
    ],
    [
      'a tree has other branches',
      [{ output: z.object({ t: Tree }) }, { output: z.object({ t: text }) }],
      ['the answer 200 may be data.t: string'],
    ],
    [
      'it may fail in more ways',
      [{}, { runsApp: true }],
      BY_APP.map((status) => `may answer with status ${status}`),
    ],
    ['a status is gone', [{ runsApp: true }, {}], BY_APP.map((status) => `status ${status} is gone`)],
    [
      'a key may be given',
      [{}, { key: 'taken' }],
      [409, 422].map((status) => `may answer with status ${status}`),
    ],
  ])('is told where %s', (_what, [before, after], told) => {
    const changes = breakingChanges(documentOf(before), documentOf(after))
    expect(changes).toEqual(
      Array.isArray(told) ? told.map((change) => `${ACTION}: ${change}`) : expect.anything(),
    )
  })

  it('is an address that is gone', () => {
    expect(breakingChanges(documentOf({}), documentOf({}, '/api/actions/b'))).toEqual([`${ACTION}: is gone`])
  })
})

describe('a change that breaks no one', () => {
  it.each<[what: string, before: Io, after: Io]>([
    ['nothing', { output: z.object({ t: Tree }) }, { output: z.object({ t: Tree }) }],
    ['a field may be given', ...inputs({}, { b: text.optional() })],
    ['a field may be left out', ...inputs({ b: text }, { b: text.optional() })],
    ['more is taken', ...inputs({ b: text.max(5) }, { b: text.max(6).nullable() })],
    ['another type is taken too', ...inputs({ b: z.int() }, { b: z.union([z.number(), text]) })],
    ['anything is taken', ...inputs({ b: text }, { b: z.any() })],
    ['a choice is added', ...inputs({ b: z.enum(['x']) }, { b: z.enum(['x', 'y']) })],
    ['a field is answered too', ...outputs({}, { b: text })],
    ['a field is always there', ...outputs({ b: text.optional() }, { b: text })],
    ['a choice is gone', ...outputs({ b: z.enum(['x', 'y']) }, { b: z.enum(['x']) })],
    ['an answer is less', ...outputs({ b: z.union([text, z.int()]) }, { b: text.max(5) })],
    ['it is said otherwise', ...inputs({ b: text }, { b: text.describe('b') })],
  ])('is not told: %s', (_what, before, after) => {
    expect(breakingChanges(documentOf(before), documentOf(after))).toEqual([])
  })

  it('is not told: an address is added', () => {
    expect(breakingChanges({ paths: {} }, documentOf({}))).toEqual([])
  })
})

describe('schemas that refer to each other', () => {
  /** Each of them may have each of them. */
  function grid(size: number, of: z.ZodType): z.ZodType {
    const nodes: z.ZodType[] = []
    for (let nth = 0; nth < size; nth += 1) {
      const fields = Array.from({ length: size }, (_, at) => [
        `c${at}`,
        z.lazy(() => nodes[at] ?? of).optional(),
      ])
      nodes.push(z.object({ kind: z.literal(`n${nth}`), value: of, ...Object.fromEntries(fields) }))
    }
    return z.object({ first: nodes[0] ?? of })
  }

  // Without a memory of what was compared, they never end.
  it('are compared with themselves, and a change in them is told', () => {
    const [input, narrower] = [grid(14, text), grid(14, text.max(3))]
    expect(breakingChanges(documentOf({ input }), documentOf({ input }))).toEqual([])
    const told = breakingChanges(documentOf({ input }), documentOf({ input: narrower }))
    expect(told.length).toBeGreaterThan(0)
    for (const change of told) expect(change).toContain('maxLength none')
  })

  it('of many kinds are compared as well', () => {
    const kinds = (of: z.ZodType) => {
      const all: z.ZodType[] = []
      const any = z.lazy(() => z.union(all as [z.ZodType, z.ZodType]))
      for (let nth = 0; nth < 16; nth += 1)
        all.push(z.object({ kind: z.literal(`n${nth}`), of, children: z.array(any) }))
      return z.object({ any })
    }
    expect(breakingChanges(documentOf({ input: kinds(text) }), documentOf({ input: kinds(text) }))).toEqual(
      [],
    )
    const told = breakingChanges(documentOf({ input: kinds(text) }), documentOf({ input: kinds(number) }))
    expect(told.length).toBeGreaterThan(0)
  })

  it('hold no mistake for right that only the way there took for right', () => {
    const tree = (leaf: z.ZodType) => {
      const node: z.ZodType = z.lazy(() => z.object({ left: node.optional(), leaf, right: node.optional() }))
      return z.union([z.object({ node }), z.object({ other: node, node })])
    }
    expect(
      breakingChanges(documentOf({ output: tree(text) }), documentOf({ output: tree(number) })),
    ).not.toEqual([])
  })
})

describe('a document that nothing was written by here', () => {
  const inPaths = (post: object, components = {}) =>
    ({ paths: { '/api/actions/a': { post } }, components }) as JsonObject
  const body = (schema: object) => ({ requestBody: { content: { 'application/json': { schema } } } })
  const refers = (to: string) => body({ $ref: `#/components/schemas/${to}` })

  it.each<[what: string, older: JsonObject, message: string]>([
    ['a reference that leads nowhere', inPaths(refers('none')), 'leads nowhere'],
    ['one by a name that every object has', inPaths(refers('constructor')), 'leads nowhere'],
    [
      'references that lead around',
      inPaths(refers('a'), {
        schemas: { a: { $ref: '#/components/schemas/b' }, b: { $ref: '#/components/schemas/a' } },
      }),
      'leads around',
    ],
  ])('is refused for %s', (_what, older, message) => {
    expect(() => breakingChanges(older, documentOf({}))).toThrow(message)
  })

  it.each<[what: string, post: object]>([
    ['parameters that are none', { parameters: [null, 5, 'a'] }],
    ['a choice of nothing', body({ anyOf: [] })],
    ['answers that are none', { responses: { 200: null } }],
    ['a body that is none', { requestBody: 5 }],
    ['schemas that are none', body({ properties: 5, required: 'a', items: 7, type: [] })],
  ])('with %s is compared all the same', (_what, post) => {
    expect(() => breakingChanges(inPaths(post), documentOf({}))).not.toThrow()
    expect(() => breakingChanges(documentOf({}), inPaths(post))).not.toThrow()
  })
})

describe('a word that is not known', () => {
  const withWord = (word: object) => {
    const document = documentOf({ input: z.strictObject({ a: text }) })
    return JSON.parse(
      JSON.stringify(document).replace(
        '"a":{"type":"string"}',
        `"a":${JSON.stringify({ type: 'string', ...word })}`,
      ),
    ) as JsonObject
  }
  it('is told where it is new or another, and not where it is like itself or only tells', () => {
    const told = (before: object, after: object) => breakingChanges(withWord(before), withWord(after))
    const change = [`${ACTION}: input no longer takes a: if cannot be compared`]
    expect(told({}, { if: { maxLength: 3 } })).toEqual(change)
    expect(told({ if: { maxLength: 4 } }, { if: { maxLength: 3 } })).toEqual(change)
    expect(told({ if: { maxLength: 3 } }, { if: { maxLength: 3 } })).toEqual([])
    expect(told({}, { description: 'x', 'x-own': 1, default: 'a' })).toEqual([])
  })
})
