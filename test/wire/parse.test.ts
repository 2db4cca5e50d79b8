import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createParse } from '../../server/wire/parse.ts'
import { CASES, OTHERS } from './zod-kinds.ts'

const later = async () => true
const text = z.string().refine(later)
const through = z.codec(z.string(), z.string(), { decode: async (value) => value, encode: (value) => value })

/** Every place of a schema where a function of the app's may be asynchronous, with an input that comes to it. */
const PLACES: Readonly<Record<string, readonly [schema: z.ZodType, input: unknown]>> = {
  'a refinement': [text, 'x'],
  'a refinement of more': [z.string().superRefine(async () => {}), 'x'],
  'a check': [z.string().check(async () => {}), 'x'],
  'a refinement of a string of a format': [z.email().refine(later), 'ada@example.com'],
  'a refinement of anything': [z.unknown().refine(later), 'x'],
  'a schema of its own': [z.custom(later), 'x'],
  'a transform': [z.string().transform(async (value) => value), 'x'],
  'a transform before': [z.preprocess(async (value) => value, z.string()), 'x'],
  'a codec': [through, 'x'],
  'a pipe from': [text.pipe(z.string()), 'x'],
  'a pipe to': [z.string().pipe(text), 'x'],
  'a promise': [z.promise(z.string()), Promise.resolve('x')],
  'an object': [z.object({ a: z.string() }).refine(later), { a: 'x' }],
  'a field': [z.strictObject({ a: text }), { a: 'x' }],
  'a field that is left out': [z.strictObject({ a: text.prefault('x') }), {}],
  'a further field': [z.object({}).catchall(text), { a: 'x' }],
  'an item': [z.array(text), ['x']],
  'an array': [z.array(z.string()).refine(later), ['x']],
  'an item of a tuple': [z.tuple([text]), ['x']],
  'the rest of a tuple': [z.tuple([z.string()], text), ['x', 'x']],
  'a value': [z.record(z.string(), text), { a: 'x' }],
  'a key of a map': [z.map(text, z.string()), new Map([['a', 'x']])],
  'a value of a map': [z.map(z.string(), text), new Map([['a', 'x']])],
  'a member of a set': [z.set(text), new Set(['x'])],
  'an option': [z.union([z.number(), text]), 'x'],
  'an option by its tag': [
    z.discriminatedUnion('kind', [z.object({ kind: z.literal('a'), a: text })]),
    { kind: 'a', a: 'x' },
  ],
  'a part of an intersection': [
    z.intersection(z.object({ a: z.string() }), z.object({ b: text })),
    { a: 'x', b: 'x' },
  ],
  'what is optional': [text.optional(), 'x'],
  'what may be null': [text.nullable(), 'x'],
  'what has a default': [text.default('x'), 'x'],
  'what has a substitute': [text.catch('x'), 'x'],
  'what is read only': [text.readonly(), 'x'],
  'what must be there': [text.optional().nonoptional(), 'x'],
  'what is made when it is asked for': [z.lazy(() => text), 'x'],
  'a property': [z.string().check(z.property('length', z.number().refine(later))), 'x'],
}

describe('what an input is parsed by', () => {
  it.each(Object.entries(PLACES))('waits for a function of the app: %s', async (_place, [schema, input]) => {
    const parsed = createParse(schema)(input)
    expect(parsed).toBeInstanceOf(Promise)
    expect(await parsed).toMatchObject({ success: true })
  })

  it('answers at once where no function of the app has to be waited for', () => {
    const schema = z.strictObject({
      title: z.string().trim().min(1).max(9).toLowerCase(),
      at: z.date(),
      ids: z.array(z.uuid()).max(3),
      tags: z.record(z.string(), z.union([z.int().positive(), z.null()])).optional(),
    })
    const parsed = createParse(schema)({ title: ' A ', at: new Date(0), ids: [], tags: { a: 1 } })
    expect(parsed).toEqual({ success: true, data: { title: 'a', at: new Date(0), ids: [], tags: { a: 1 } } })
  })

  const inputs = CASES.flatMap(({ schema, values }, nth) =>
    [...values, ...OTHERS].map((input) => ({ kind: `${schema._zod.def.type} ${nth}`, schema, input })),
  )

  it.each(inputs)('is what zod makes of it: $kind', async ({ schema, input }) => {
    const own = await outcomeOf(() => schema.safeParseAsync(input))
    expect(await outcomeOf(() => createParse(schema)(input))).toEqual(own)
  })
})

type Outcome = { readonly data: unknown } | 'refused' | 'thrown'

/** What came of it. Which problems are named, and how many, is our own. */
async function outcomeOf(
  parse: () => Promise<z.ZodSafeParseResult<unknown>> | ReturnType<ReturnType<typeof createParse>>,
): Promise<Outcome> {
  try {
    const parsed = await parse()
    return parsed.success ? { data: parsed.data } : 'refused'
  } catch {
    return 'thrown'
  }
}
