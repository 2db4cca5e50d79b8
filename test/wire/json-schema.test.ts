import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { reviveBySchema } from '../../server/wire/from-json.ts'
import { jsonSchemaOf } from '../../server/wire/json-schema.ts'
import { createParse } from '../../server/wire/parse.ts'
import { findUnacceptableInput } from '../../server/wire/plain-data.ts'
import { toWireJson } from '../../server/wire/to-json.ts'
import { CASES, OTHERS } from './zod-kinds.ts'

// Formats say what a text is for; the patterns beside them say what is taken.
const ajv = new Ajv2020({ strict: false, validateFormats: false })

function takes(schema: z.ZodType, io: 'input' | 'output', value: unknown): boolean {
  return ajv.validate(jsonSchemaOf(schema, io).schema, value)
}

/** What REST makes of a value in JSON: what the schema gives, or undefined where it is refused. */
async function read(schema: z.ZodType, sent: unknown): Promise<{ readonly data: unknown } | undefined> {
  if (findUnacceptableInput(sent)) return undefined
  try {
    const parsed = await createParse(schema)(reviveBySchema(schema, sent))
    return parsed.success ? { data: parsed.data } : undefined
  } catch {
    // A function of the schema has thrown.
    return undefined
  }
}

/** The JSON that REST answers with; undefined for what cannot be sent. */
function answered(data: unknown): unknown {
  try {
    return JSON.parse(toWireJson(data))
  } catch {
    return undefined
  }
}

/** Described as wider than it is, for what a function or a check of zod's knows that JSON Schema has no word for. */
const WIDER = new Set([
  ...['string6', 'string27', 'date1', 'any1', 'any2', 'unknown1', 'unknown2', 'success0'],
  ...['pipe1', 'pipe2', 'pipe3', 'pipe10'],
])

const SAMPLES = CASES.map(({ name, schema, values, asText = [] }) => ({
  name,
  schema,
  values: [...values, ...asText, ...OTHERS].map((value): unknown => JSON.parse(toWireJson(value))),
}))

describe.each(SAMPLES)('of $name', ({ name, schema, values }) => {
  const { gaps } = jsonSchemaOf(schema, 'input')
  const isExact = gaps.length === 0 && !WIDER.has(name)

  it(isExact ? 'takes what REST takes, and nothing else' : 'takes all that REST takes', async () => {
    for (const value of values) {
      const isRead = (await read(schema, value)) !== undefined
      if (isRead || isExact) expect([value, takes(schema, 'input', value)]).toEqual([value, isRead])
    }
  })

  it('describes what REST answers', async () => {
    for (const value of values) {
      const answer = answered((await read(schema, value))?.data)
      if (answer !== undefined) expect([answer, takes(schema, 'output', answer)]).toEqual([answer, true])
    }
  })
})

it('takes all that REST takes of schemas made of others', async () => {
  const part = fc.constantFrom(...SAMPLES)
  const whole = fc.dictionary(fc.constantFrom('a', 'b', 'c'), part, { minKeys: 1, noNullPrototype: true })
  await fc.assert(
    fc.asyncProperty(whole, fc.nat(), fc.boolean(), async (parts, pick, isOptional) => {
      const shape = Object.entries(parts).map(([key, { schema }]): [string, z.ZodType] => [
        key,
        isOptional ? z.union([schema, z.array(schema).min(1)]).optional() : schema.nullable(),
      ])
      const schema = z.strictObject(Object.fromEntries(shape))
      const value = Object.fromEntries(
        Object.entries(parts).flatMap(([key, { values }]) =>
          // Every now and then there is nothing.
          pick % 5 === 0 ? [] : [[key, values[pick % values.length]]],
        ),
      )
      const result = await read(schema, value)
      if (!result) return
      expect(takes(schema, 'input', value)).toBe(true)
      const answer = answered(result.data)
      if (answer !== undefined) expect(takes(schema, 'output', answer)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

it.each(SAMPLES)('lets $name be absent where REST does', async ({ schema }) => {
  const wholes: [z.ZodType, unknown][] = [
    [z.strictObject({ a: schema }), {}],
    [z.record(z.enum(['a']), schema), {}],
    [z.tuple([z.string(), schema]), ['x']],
  ]
  for (const [whole, value] of wholes) {
    const result = await read(whole, value)
    const isKey = !(whole instanceof z.ZodRecord)
    const { gaps } = jsonSchemaOf(schema, 'input')
    if (result || (isKey && gaps.length === 0))
      expect([takes(whole, 'input', value), value]).toEqual([result !== undefined, value])
    if (!result) continue
    const answer = answered(result.data)
    if (answer !== undefined) expect([answer, takes(whole, 'output', answer)]).toEqual([answer, true])
  }
})

it.each<[what: string, schema: z.ZodType, json: object]>([
  ['trims before it counts', z.string().trim().max(3), { type: 'string' }],
  ['has a pattern', z.string().regex(/^a+$/), { type: 'string', pattern: '^a+$' }],
  ['is frozen', z.array(z.string()).readonly(), { type: 'array', items: { type: 'string' } }],
  ['is a bigint of these', z.literal([1n, 'x']), { enum: ['1', 'x'] }],
  ['stands for any value that is wrong', z.string().catch('x'), {}],
  ['says what its function takes', z.custom().meta({ type: 'string' }), { type: 'string' }],
  ['says its example', z.string().meta({ examples: ['x'], id: 'Name' }), { type: 'string', examples: ['x'] }],
  ['has no end', z.number().min(Number.NEGATIVE_INFINITY), { type: 'number' }],
])('describes what is sent for a schema that %s', (_what, schema, json) => {
  expect(jsonSchemaOf(schema, 'input')).toEqual({ schema: json, gaps: [] })
})

it('says how dates and bigints are answered', () => {
  const { schema } = jsonSchemaOf(z.object({ at: z.date(), n: z.bigint().optional() }), 'output')
  const day = '\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])'
  expect(schema).toEqual({
    type: 'object',
    properties: {
      at: {
        type: 'string',
        format: 'date-time',
        pattern: `^${day}T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z$`,
      },
      n: { type: 'string', pattern: '^-?\\d+$' },
    },
    required: ['at'],
    additionalProperties: false,
  })
})

it('calls no function of the app', () => {
  const calls: string[] = []
  const call = (what: string) => (): string => {
    calls.push(what)
    return what
  }
  const schema = z.strictObject({
    a: z.string().default(call('default')),
    b: z.string().prefault(call('prefault')),
    c: z.string().catch(call('catch')),
  })
  const text = { type: 'string' }
  expect(jsonSchemaOf(schema, 'input').schema).toEqual({
    type: 'object',
    properties: { a: text, b: text, c: {} },
    additionalProperties: false,
  })
  expect(jsonSchemaOf(schema, 'output').schema).toMatchObject({ properties: { a: text, b: text, c: text } })
  expect(calls).toEqual([])
  expect(schema.parse({ c: 1 })).toEqual({ a: 'default', b: 'prefault', c: 'catch' })
})

it('names what it cannot say, where it is', () => {
  const schema = z.strictObject({
    guests: z.array(z.strictObject({ at: z.custom() })),
    odd: z.string().regex(/^a$/i).optional(),
    pair: z.tuple([z.string(), z.coerce.number()]),
    by: z.record(
      z.string(),
      z.preprocess((value) => value, z.string()),
    ),
    fine: z.preprocess((value) => value, z.string()).meta({ type: 'string' }),
    done: z.string().transform((text) => text.length),
  })
  const placesOf = (io: 'input' | 'output') =>
    jsonSchemaOf(schema, io)
      .gaps.map(({ path }) => path)
      .sort()
  expect(placesOf('input')).toEqual(['by.*', 'guests[].at', 'odd', 'pair[1]'])
  expect(placesOf('output')).toEqual(['done', 'guests[].at', 'odd'])
  expect(jsonSchemaOf(schema, 'input').gaps).toContainEqual({
    path: 'odd',
    reason: "/^a$/i is no pattern of JSON Schema, which has Unicode's and no flags: write it without them",
  })
})

it('describes a schema that zod cannot as free', () => {
  const schema = z.strictObject({ a: z.string().meta({ examples: [1n] }) })
  const { schema: json, gaps } = jsonSchemaOf(schema, 'input')
  expect([json, gaps.map(({ path }) => path)]).toEqual([{}, ['']])
})

it('has a definition for a schema that is made of itself', () => {
  const Tree = z.strictObject({
    at: z.date(),
    get children() {
      return z.array(Tree)
    },
  })
  const value = { at: '2026-02-28T09:30Z', children: [{ at: '2026-02-28T09:30Z', children: [] }] }
  expect(takes(Tree, 'input', value)).toBe(true)
  expect(takes(Tree, 'input', { ...value, children: [{}] })).toBe(false)
})
