import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createParse } from '../../server/wire/parse.ts'

const SENT = 'CANARY-5b2e'

/** What zod refuses, by every code that it has, and what a client is told of it. */
const TABLE: Readonly<Record<z.core.$ZodIssueCode, readonly (readonly [z.ZodType, unknown, object])[]>> = {
  invalid_type: [[z.number(), SENT, { expected: 'number' }]],
  too_big: [
    [z.string().max(3), SENT, { origin: 'string', maximum: 3, inclusive: true }],
    [z.bigint().lt(5n), 7n, { origin: 'bigint', maximum: '5', inclusive: false }],
    [z.array(z.any()).length(0), [SENT], { origin: 'array', maximum: 0, inclusive: true, exact: true }],
    [
      z.date().max(new Date(0)),
      new Date(1),
      { origin: 'date', maximum: '1970-01-01T00:00:00.000Z', inclusive: true },
    ],
  ],
  too_small: [[z.number().min(1), 0, { origin: 'number', minimum: 1, inclusive: true }]],
  invalid_format: [
    [z.email(), SENT, { format: 'email', pattern: expect.any(String) }],
    [z.string().startsWith('a'), SENT, { format: 'starts_with', prefix: 'a' }],
    [z.string().regex(/^x$/), SENT, { format: 'regex', pattern: expect.any(String) }],
  ],
  not_multiple_of: [[z.number().multipleOf(5), 7, { divisor: 5 }]],
  unrecognized_keys: [[z.strictObject({}), { other: SENT }, { keys: ['other'] }]],
  invalid_union: [
    [z.union([z.number(), z.boolean()]), SENT, {}],
    [
      z.discriminatedUnion('k', [z.object({ k: z.literal('a') })]),
      { k: SENT },
      { discriminator: 'k', options: ['a'] },
    ],
  ],
  invalid_key: [[z.record(z.string().max(1), z.any()), { ab: SENT }, { origin: 'record' }]],
  // Of maps and sets alone, which no input has.
  invalid_element: [],
  invalid_value: [
    [z.enum(['a', 'b']), SENT, { values: ['a', 'b'] }],
    [z.literal([1n, null]), SENT, { values: ['1', null] }],
  ],
  custom: [
    [z.any().refine(() => false, { params: { rule: 'even', of: { no: 'object' } } }), SENT, { rule: 'even' }],
  ],
}

describe('an issue says in a code and its params what its message says', () => {
  it.each(Object.entries(TABLE))('%s', async (code, cases) => {
    for (const [schema, sent, params] of cases) {
      const refused = await createParse(z.strictObject({ v: schema }))({ v: sent })
      const issues = refused.success ? [] : refused.issues
      expect(issues[0]).toMatchObject({ code, message: expect.any(String) })
      expect(issues[0]?.params).toEqual(params)
      expect(JSON.stringify(issues)).not.toContain(SENT)
    }
  })
})
