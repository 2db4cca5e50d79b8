import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createParse } from '../../server/wire/parse.ts'
import { redact } from '../../server/wire/redact.ts'

const CANARY = 'CANARY-7f3a'
const secret = z.string().meta({ secret: true })
type Kind = z.core.$ZodTypes['_zod']['def']['type']
type Case = readonly [schema: z.ZodType, sent: unknown]

const marked = (schema: z.ZodType, sent: unknown): Case => [schema.meta({ secret: true }), sent]
const at = new Date('2026-02-28T09:30:00.000Z')

/** Every kind of schema, with a mark on it or in it, and a value with the canary or of a form that tells of it. */
const KINDS: Readonly<Record<Kind, readonly Case[]>> = {
  string: [
    [secret, CANARY],
    [secret.min(3).trim(), CANARY],
    [z.email().meta({ secret: true }), `${CANARY}@example.com`],
  ],
  number: [marked(z.number(), 4711)],
  boolean: [marked(z.boolean(), true)],
  bigint: [marked(z.bigint(), 4711n)],
  date: [marked(z.date(), at)],
  symbol: [],
  undefined: [],
  null: [marked(z.null(), null)],
  void: [],
  never: [],
  nan: [],
  any: [marked(z.any(), CANARY)],
  unknown: [marked(z.unknown(), { a: CANARY })],
  literal: [marked(z.literal(CANARY), CANARY)],
  enum: [marked(z.enum([CANARY]), CANARY)],
  file: [],
  object: [
    [z.object({ a: secret }), { a: CANARY }],
    [z.object({}).catchall(secret), { a: CANARY }],
    [z.looseObject({ a: z.object({ b: secret }) }), { a: { b: CANARY } }],
  ],
  array: [
    [z.array(secret), [CANARY]],
    [z.array(z.array(secret)), [[CANARY]]],
  ],
  tuple: [
    [z.tuple([z.string(), secret]), ['a', CANARY]],
    [z.tuple([z.string()], secret), ['a', CANARY, CANARY]],
  ],
  record: [
    [z.record(z.string(), secret), { a: CANARY }],
    [z.record(secret, z.number()), { [CANARY]: 1, [`${CANARY}2`]: 2 }],
    [z.partialRecord(secret, z.number()), { [CANARY]: 1 }],
    [z.looseRecord(secret, z.number()), { [CANARY]: 1 }],
    [z.record(z.templateLiteral(['k-', secret]), z.number()), { [`k-${CANARY}`]: 1 }],
  ],
  map: [
    [z.map(secret, z.string()), new Map([[CANARY, 'a']])],
    [z.map(z.string(), secret), new Map([['a', CANARY]])],
  ],
  set: [[z.set(secret), new Set([CANARY])]],
  union: [
    [z.union([z.number(), secret]), CANARY],
    [z.union([z.string(), secret]), CANARY],
    [z.union([z.object({ a: z.string() }), z.object({ a: secret })]), { a: CANARY }],
    [
      z.discriminatedUnion('k', [z.object({ k: z.literal(1), a: secret }), z.object({ k: z.literal(2) })]),
      { k: 1, a: CANARY },
    ],
    [z.xor([z.object({ a: secret }), z.object({ b: secret })]), { b: CANARY }],
  ],
  intersection: [[z.looseObject({ a: z.string() }).and(z.looseObject({ b: secret })), { a: 'a', b: CANARY }]],
  optional: [
    [secret.optional(), CANARY],
    [secret.exactOptional(), CANARY],
  ],
  nullable: [
    [secret.nullable(), CANARY],
    [secret.nullish(), CANARY],
  ],
  default: [
    [secret.default('x'), CANARY],
    [z.object({ a: secret.default(CANARY) }), {}],
  ],
  prefault: [[secret.prefault('x'), CANARY]],
  catch: [
    [secret.catch('x'), CANARY],
    [z.object({ a: secret }).catch((caught) => caught.value as never), CANARY],
    [z.object({ a: secret }).catch((caught) => caught.value as never), [CANARY]],
  ],
  nonoptional: [[secret.optional().nonoptional(), CANARY]],
  readonly: [[z.array(secret).readonly(), [CANARY]]],
  success: [[z.success(secret), CANARY]],
  promise: [[z.promise(secret), Promise.resolve(CANARY)]],
  lazy: [[z.lazy(() => z.object({ a: secret })), { a: CANARY }]],
  pipe: [
    [secret.pipe(z.string()), CANARY],
    [z.string().pipe(secret), CANARY],
    [secret.transform((text) => ({ renamed: text })), CANARY],
    [z.object({ a: secret }).transform(({ a }) => [a]), { a: CANARY }],
    [z.preprocess((value) => value, z.object({ a: secret })), { a: CANARY }],
    [z.codec(secret, z.string(), { decode: (text) => text, encode: (text) => text }), CANARY],
    [z.codec(z.string(), secret, { decode: (text) => text, encode: (text) => text }), CANARY],
    [z.any().pipe(z.object({ a: secret })), { a: CANARY }],
    [
      z.preprocess((value) => new Map(Array.isArray(value) ? value : []), z.map(secret, z.string())),
      [[CANARY, 'a']],
    ],
    [
      secret
        .transform((text) => text.length)
        .pipe(z.number())
        .transform((length) => `${CANARY}${length}`),
      CANARY,
    ],
  ],
  transform: [[z.transform((value) => value).meta({ secret: true }), CANARY]],
  template_literal: [
    [z.templateLiteral(['Bearer ', secret]), `Bearer ${CANARY}`],
    [z.templateLiteral(['Bearer ', z.union([z.literal('x'), secret])]), `Bearer ${CANARY}`],
  ],
  function: [],
  custom: [
    marked(
      z.custom<string>((value) => typeof value === 'string'),
      CANARY,
    ),
    [z.instanceof(Error).check(z.property('message', secret)), new Error(CANARY)],
    [z.instanceof(Error).check(z.properties({ message: secret })), new Error(CANARY)],
  ],
}

const TELLING = [CANARY, '4711', '2026-02-28', 'true']

describe('a mark holds', () => {
  it.each(Object.entries(KINDS))('in what is shown of the kind %s', async (_kind, cases) => {
    for (const [schema, sent] of cases) {
      for (const outer of [
        schema,
        z.strictObject({ v: schema }),
        z.array(z.object({ v: schema.optional() })),
      ]) {
        const input = outer === schema ? sent : outer instanceof z.ZodArray ? [{ v: sent }] : { v: sent }
        const parsed = await createParse(outer)(input)
        expect(parsed.success, inspect(input)).toBe(true)
        const shown = inspect(redact(outer, parsed.success && parsed.data), { depth: 20 })
        // `success` says whether, and nothing else.
        if (outer !== schema && !(schema instanceof z.ZodSuccess)) expect(shown).toContain('[secret]')
        for (const telling of TELLING)
          if (!(schema instanceof z.ZodSuccess)) expect(shown).not.toContain(telling)
      }
    }
  })

  it.each(Object.entries(KINDS))('in what is refused of the kind %s', async (_kind, cases) => {
    for (const [schema, sent] of cases) {
      const outer = z.strictObject({ v: schema, more: z.string() })
      const keyed = schema instanceof z.ZodRecord && z.globalRegistry.get(schema.keyType)?.secret === true
      const refused = await Promise.all([
        createParse(outer)({ v: sent }),
        createParse(outer)({ v: [sent], more: 'x' }),
        createParse(outer)({ v: keyed ? { [CANARY]: CANARY } : { a: sent }, more: 'x' }),
      ])
      const issues = refused.map((each) => (each.success ? [] : each.issues))
      expect(issues.flat()).not.toHaveLength(0)
      expect(JSON.stringify(issues)).not.toContain(CANARY)
    }
  })
})

it('a mark on keys hides them, one by one, and not their values', () => {
  expect(redact(z.record(secret, z.number()), { a: 1, b: 2 })).toEqual({ '[secret]': 1, '[secret] 2': 2 })
})

it('what is not marked is shown', () => {
  const schema = z.object({
    a: secret,
    b: z.union([z.object({ c: secret }), z.string(), z.number()]),
    d: z.map(z.string(), z.string()),
  })
  const value = { a: CANARY, b: 'text', d: new Map([['k', 'v']]) }
  expect(redact(schema, value)).toEqual({ ...value, a: '[secret]' })
})
