import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { reviveBySchema } from '../../server/wire/from-json.ts'
import { jsonSchemaOf } from '../../server/wire/json-schema.ts'
import { createParse } from '../../server/wire/parse.ts'
import { findUnacceptableInput } from '../../server/wire/plain-data.ts'
import { toWireJson } from '../../server/wire/to-json.ts'
import { CASES, OTHERS } from './zod-kinds.ts'

// A schema that is used twice at each level is written out 2 ** levels times, unless it is referred to.

const ajv = new Ajv2020({ strict: false, validateFormats: false })
const LEVELS = 60

type Level = (inner: z.ZodType) => z.ZodType

function towerOf(level: Level, levels = LEVELS): z.ZodType {
  let tower: z.ZodType = z.strictObject({ at: z.date() })
  for (let made = 0; made < levels; made += 1) tower = level(tower)
  return tower
}

const LEVEL_KINDS: Readonly<Record<string, Level>> = {
  object: (inner) => z.strictObject({ a: inner.optional(), b: inner.optional() }),
  'open object': (inner) => z.looseObject({ a: inner, b: inner.optional() }),
  union: (inner) => z.union([inner, z.array(inner)]),
  'union of one kind': (inner) => z.union([inner, inner]),
  tuple: (inner) => z.tuple([inner], inner),
  record: (inner) => z.record(z.string(), z.union([inner, z.array(inner)])),
  'array with bounds': (inner) => z.array(z.union([inner, inner.nullable()])).min(1),
  codec: (inner) => z.union([inner, inner.pipe(inner)]),
  'described twice': (inner) => z.union([inner.describe('one'), inner.describe('other')]),
  refined: (inner) => z.union([inner.refine(() => true), inner.refine(() => true)]),
  lazy: (inner) => z.strictObject({ a: z.lazy(() => inner).optional(), b: z.lazy(() => inner).optional() }),
  'default and catch': (inner) =>
    z.strictObject({ a: inner.optional(), b: inner.catch(undefined as never).optional() }),
}

describe.each(Object.entries(LEVEL_KINDS))('of a schema used twice at each level (%s)', (_name, level) => {
  const tower = towerOf(level)

  it.each(['input', 'output'] as const)('describes its %s once', (io) => {
    const { schema, gaps } = jsonSchemaOf(tower, io)
    expect(JSON.stringify(schema).length).toBeLessThan(100_000)
    expect(gaps).toEqual([])
  })
})

it('says that it does not write out intersections of schemas that are used too often', () => {
  const tower = towerOf((inner) => z.strictObject({ a: inner.optional(), b: inner.optional() }))
  const both = z.intersection(z.object({ tower }), z.object({ tower }))
  expect(jsonSchemaOf(both, 'input')).toEqual({
    schema: {},
    gaps: [{ path: '', reason: expect.stringContaining('z.intersection') }],
  })
})

/** Of so many schemas that whatever is beside it is referred to where it is used twice. */
const large = towerOf(LEVEL_KINDS.object as Level, 14)

async function read(schema: z.ZodType, sent: unknown): Promise<{ readonly data: unknown } | undefined> {
  if (findUnacceptableInput(sent)) return undefined
  try {
    const parsed = await createParse(schema)(reviveBySchema(schema, sent))
    return parsed.success ? { data: parsed.data } : undefined
  } catch {
    return undefined
  }
}

/** The JSON that is answered; undefined for what cannot be sent. */
function answered(data: unknown): unknown {
  try {
    return JSON.parse(toWireJson(data))
  } catch {
    return undefined
  }
}

const WITHOUT_INTERSECTIONS = CASES.filter(({ name }) => !name.startsWith('intersection'))

it.each(WITHOUT_INTERSECTIONS)(
  'refers to $name where it is used twice, and means the same',
  async ({ schema, values, asText = [] }) => {
    const alone = z.strictObject({ a: schema, b: z.array(schema), c: schema.optional() })
    const beside = alone.extend({ large: large.optional() })
    expect(jsonSchemaOf(beside, 'input').gaps.length > 0).toBe(jsonSchemaOf(alone, 'input').gaps.length > 0)
    for (const value of [...values, ...asText, ...OTHERS]) {
      const one: unknown = JSON.parse(toWireJson(value))
      for (const sent of [{ a: one, b: [one] }, { b: [] }, { a: one, b: [one], c: one }]) {
        const taken = ajv.validate(jsonSchemaOf(alone, 'input').schema, sent)
        expect([sent, ajv.validate(jsonSchemaOf(beside, 'input').schema, sent)]).toEqual([sent, taken])
        const json = answered((await read(beside, sent))?.data)
        if (json !== undefined)
          expect([json, ajv.validate(jsonSchemaOf(beside, 'output').schema, json)]).toEqual([json, true])
      }
    }
  },
)
