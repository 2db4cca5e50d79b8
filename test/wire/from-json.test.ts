import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { reviveBySchema } from '../../server/wire/from-json.ts'
import { decimal, instant, key, overTheWire, storableText } from './arbitraries.ts'

const ISO = '2026-02-28T09:30:00.000Z'
const AT = new Date(ISO)

const Node: z.ZodType = z.object({
  at: z.date(),
  get children() {
    return z.array(Node).optional()
  },
})

const Tagged = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('at'), value: z.date() }),
  z.object({ kind: z.literal('text'), value: z.string() }),
])

describe('where the schema expects a date or a bigint', () => {
  it.each<[name: string, schema: z.ZodType, value: unknown, revived: unknown]>([
    ['a date', z.date(), ISO, AT],
    ['a bigint', z.bigint(), '-12', -12n],
    ['an int64', z.int64(), '12', 12n],
    ['a property', z.object({ a: z.date(), b: z.string() }), { a: ISO, b: ISO }, { a: AT, b: ISO }],
    ['a nested property', z.object({ a: z.object({ b: z.bigint() }) }), { a: { b: '1' } }, { a: { b: 1n } }],
    [
      'an unlisted property',
      z.object({ a: z.string() }).catchall(z.date()),
      { a: ISO, x: ISO },
      { a: ISO, x: AT },
    ],
    ['an element', z.array(z.date()), [ISO, ISO], [AT, AT]],
    ['a tuple', z.tuple([z.string(), z.date()], z.bigint()), [ISO, ISO, '1', '2'], [ISO, AT, 1n, 2n]],
    ['a record', z.record(z.string(), z.bigint()), { a: '1', constructor: '2' }, { a: 1n, constructor: 2n }],
    ['optional', z.date().optional(), ISO, AT],
    ['exact optional', z.object({ a: z.date().exactOptional() }), { a: ISO }, { a: AT }],
    ['nullable', z.date().nullable(), ISO, AT],
    ['nullish', z.bigint().nullish(), '1', 1n],
    ['a default', z.date().default(AT), ISO, AT],
    ['a prefault', z.date().prefault(AT), ISO, AT],
    ['a catch', z.date().catch(new Date(0)), ISO, AT],
    ['readonly', z.array(z.date()).readonly(), [ISO], [AT]],
    ['nonoptional', z.date().optional().nonoptional(), ISO, AT],
    ['lazy', z.lazy(() => z.date()), ISO, AT],
    ['branded and refined', z.date().min(new Date(0)).brand<'At'>(), ISO, AT],
    ['a preprocess that hands on', z.preprocess((v) => v, z.date()), ISO, AT],
    [
      'a preprocess of what holds dates',
      z.preprocess((v) => v, z.object({ a: z.array(z.date()) })),
      { a: [ISO] },
      { a: [AT] },
    ],
    ['any before a date', z.any().pipe(z.date()), ISO, AT],
    [
      'a transform of any before a date',
      z
        .any()
        .optional()
        .transform((v) => v)
        .pipe(z.date()),
      ISO,
      AT,
    ],
    ['an instance', z.instanceof(Date), ISO, AT],
    ['a rule of one', z.unknown().refine((v) => typeof v === 'bigint'), '12', 12n],
    ['a literal bigint', z.literal([5n, 'x']), '5', 5n],
    [
      'a tag of a bigint',
      z.discriminatedUnion('k', [
        z.object({ k: z.literal(5n), v: z.date() }),
        z.object({ k: z.literal('5') }),
      ]),
      { k: '5' },
      { k: '5' },
    ],
    [
      'a bigint for a tag',
      z.discriminatedUnion('k', [
        z.object({ k: z.literal(5n), v: z.date() }),
        z.object({ k: z.literal('6') }),
      ]),
      { k: '5', v: ISO },
      { k: 5n, v: AT },
    ],
    [
      'the entries of a map',
      z.preprocess((v) => new Map(v as []), z.map(z.string(), z.date())),
      [['a', ISO]],
      [['a', AT]],
    ],
    ['the members of a set', z.preprocess((v) => new Set(v as []), z.set(z.bigint())), ['1'], [1n]],
    ['the input of a transform', z.date().transform((d) => d.getTime()), ISO, AT],
    ['the input of a pipe', z.bigint().pipe(z.transform(String)).pipe(z.string()), '1', 1n],
    [
      'an intersection',
      z.object({ a: z.date() }).and(z.object({ b: z.bigint() })),
      { a: ISO, b: '1' },
      { a: AT, b: 1n },
    ],
    ['a recursive schema', Node, { at: ISO, children: [{ at: ISO }] }, { at: AT, children: [{ at: AT }] }],
    ['a union with null', z.union([z.null(), z.date()]), ISO, AT],
    [
      'a union of objects',
      z.union([z.object({ a: z.bigint(), k: z.literal(1) }), z.object({ a: z.date() })]),
      { a: ISO },
      { a: AT },
    ],
    ['an option behind a catch', z.union([z.date().catch(new Date(0)), z.number()]), ISO, AT],
    [
      'an option with an asynchronous check',
      z.union([z.number(), z.date().refine(async () => true)]),
      ISO,
      AT,
    ],
    ['a discriminated union', Tagged, { kind: 'at', value: ISO }, { kind: 'at', value: AT }],
  ])('%s is revived', (_name, schema, value, revived) => {
    const sent = structuredClone(value)
    expect(reviveBySchema(schema, value)).toStrictEqual(revived)
    expect(value, 'the argument is left alone').toStrictEqual(sent)
  })
})

describe('everywhere else', () => {
  it.each<[name: string, schema: z.ZodType, value: unknown]>([
    ['text for text', z.string(), ISO],
    ['text for unknown', z.object({ a: z.unknown(), at: z.date() }), { a: ISO }],
    ['a union that takes the text', z.union([z.date(), z.string()]), ISO],
    [
      'a union whose other option takes the text',
      z.union([z.object({ a: z.date() }), z.object({ a: z.string() })]),
      { a: ISO },
    ],
    ['a union that takes neither', z.union([z.date().max(new Date(0)), z.number()]), ISO],
    ['the tagged option for text', Tagged, { kind: 'text', value: ISO }],
    ['an unknown tag', Tagged, { kind: 'constructor', value: ISO }],
    ['a missing tag', Tagged, { value: ISO }],
    [
      'the output of a pipe',
      z
        .string()
        .pipe(z.transform((s) => new Date(s)))
        .pipe(z.date()),
      ISO,
    ],
    ['what a preprocess reads', z.preprocess((v) => new Date(String(v)), z.date()), ISO],
    ['what a function behind any reads', z.any().transform(String).pipe(z.string()), ISO],
    ['a list that a preprocess reads', z.preprocess((v) => v, z.array(z.iso.datetime())), [ISO]],
    ['no zone', z.date(), '2026-02-28T09:30:00'],
    ['30 February', z.date(), '2026-02-30T00:00:00Z'],
    ['a number for a date', z.date(), AT.getTime()],
    ['a number for a bigint', z.bigint(), 12],
    ['text that is no number', z.bigint(), '12.5'],
    ['a million digits', z.bigint(), '9'.repeat(1e6)],
    ['null', z.object({ a: z.date() }), null],
    ['a list for an object', z.object({ 0: z.date() }), [ISO]],
    ['an object for a list', z.array(z.date()), { 0: ISO }],
    ['an unlisted property', z.object({ at: z.date() }), { other: ISO }],
    ['an inherited property', z.object({ at: z.date().optional() }), Object.create({ at: ISO })],
    ['a key __proto__', z.record(z.string(), z.date()), JSON.parse(`{"__proto__":"${ISO}"}`)],
    [
      'a key of Object.prototype',
      z.object({ at: z.date() }).catchall(z.string()),
      { constructor: ISO, toString: '1' },
    ],
  ])('%s comes back as it is', (_name, schema, value) => {
    expect(reviveBySchema(schema, value)).toBe(value)
  })

  it('keeps the reference of a value that had nothing to revive', () => {
    const value = { a: [{ b: 1 }], at: null }
    expect(
      reviveBySchema(z.object({ a: z.array(z.object({ b: z.number() })), at: z.date().nullable() }), value),
    ).toBe(value)
  })

  it('keeps an own __proto__ key as it was when something beside it is revived', () => {
    const value: unknown = JSON.parse(`{"__proto__":{"x":1},"at":"${ISO}"}`)
    const revived = reviveBySchema(z.looseObject({ at: z.date() }), value)
    expect(Object.getPrototypeOf(revived)).toBe(Object.prototype)
    expect(Object.keys(Object(revived))).toEqual(['__proto__', 'at'])
  })

  it('stops in a schema and a value that nest without a bound', () => {
    let value: unknown = { at: ISO }
    for (let depth = 0; depth < 10_000; depth++) value = { at: ISO, children: [value] }
    expect(reviveBySchema(Node, value)).toMatchObject({ at: AT, children: [{ at: AT }] })
  })

  it('revives and refuses within 100 000 elements', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => (index % 2 ? ISO : 'x'))
    const revived = reviveBySchema(z.array(z.union([z.date(), z.number()])), many)
    expect(revived).toMatchObject({ 0: 'x', 1: AT, 99999: AT, length: 100_000 })
  })
})

describe('JSON and back', () => {
  const Schema = z.object({
    title: z.string(),
    at: z.date(),
    amount: z.bigint().nullable(),
    history: z.array(z.tuple([z.date(), z.bigint()])),
    byName: z.record(
      z.string(),
      z.object({ at: z.date().optional(), note: z.union([z.string(), z.bigint()]) }),
    ),
    either: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('at'), value: z.date() }),
      z.object({ kind: z.literal('amount'), value: z.bigint() }),
      z.object({ kind: z.literal('text'), value: z.string() }),
    ]),
  })
  const looksLikeAScalar = fc.oneof(
    storableText,
    instant.map((d) => d.toISOString()),
    decimal.map(String),
  )
  const input = fc.record(
    {
      title: looksLikeAScalar,
      at: instant,
      amount: fc.option(decimal),
      history: fc.array(fc.tuple(instant, decimal)),
      byName: fc.dictionary(
        key,
        fc.record({ at: instant, note: looksLikeAScalar }, { requiredKeys: ['note'], noNullPrototype: true }),
        {
          noNullPrototype: true,
        },
      ),
      either: fc.oneof(
        fc.record({ kind: fc.constant('at'), value: instant }, { noNullPrototype: true }),
        fc.record({ kind: fc.constant('amount'), value: decimal }, { noNullPrototype: true }),
        fc.record({ kind: fc.constant('text'), value: looksLikeAScalar }, { noNullPrototype: true }),
      ),
    },
    { noNullPrototype: true },
  )

  it('give back the input, text that looks like a date included', () => {
    fc.assert(
      fc.property(input, (value) => {
        const sent: unknown = JSON.parse(
          JSON.stringify(value, (_key, inner: unknown) =>
            typeof inner === 'bigint' ? String(inner) : inner,
          ),
        )
        expect(Schema.parse(reviveBySchema(Schema, sent))).toStrictEqual(value)
      }),
    )
  })

  it('leave a schema without dates alone', () => {
    const value = overTheWire({ at: ISO, amount: '12' })
    expect(reviveBySchema(z.object({ at: z.string(), amount: z.string() }), value)).toBe(value)
  })
})

it('looks into each branch of a recursive union once', () => {
  type Filter = { all: Filter } | { any: Filter } | { at: Date }
  const filter: z.ZodType<Filter> = z.lazy(() =>
    z.union([
      z.strictObject({ all: filter }),
      z.strictObject({ any: filter }),
      z.strictObject({ at: z.date() }),
    ]),
  )
  const nest = (levels: number, inner: unknown): unknown =>
    levels === 0 ? inner : { all: nest(levels - 1, inner) }
  // Looking twice at each level would take 2^28 looks.
  expect(reviveBySchema(filter, nest(28, { at: ISO }))).toEqual(nest(28, { at: AT }))
})
