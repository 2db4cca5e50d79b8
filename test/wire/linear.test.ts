import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { reviveBySchema } from '../../server/wire/from-json.ts'
import { createParse, TooMuchWork } from '../../server/wire/parse.ts'
import { schemasOf } from '../../server/wire/schema-scan.ts'

const ISO = '2026-02-28T09:30:00.000Z'
const BAD = { neither: true }

/** How often a schema was asked, and how often something was read of the input. */
let steps = 0

/** Counts whoever asks a schema or a part of it. Before it is first used: zod compiles objects on their first use. */
function counted<T extends z.ZodType>(schema: T): T {
  for (const { _zod } of schemasOf(schema)) {
    const { run } = _zod
    _zod.run = (payload, context) => {
      steps += 1
      return run(payload, context)
    }
  }
  return schema
}

function watched(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const copy = Array.isArray(value)
    ? value.map(watched)
    : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, watched(each)]))
  return new Proxy(copy, {
    get(target, key, receiver) {
      steps += 1
      return Reflect.get(target, key, receiver)
    },
  })
}

async function work(schema: z.ZodType, value: unknown): Promise<number> {
  const input = watched(value)
  steps = 0
  try {
    await createParse(schema)(reviveBySchema(schema, input))
  } catch (error) {
    if (!(error instanceof TooMuchWork)) throw error
  }
  return steps
}

const wide = (count: number, make: (at: number) => unknown, last: unknown) =>
  Array.from({ length: count }, (_, at) => (at === count - 1 ? last : make(at)))
const deep = (levels: number, wrap: (inner: unknown) => unknown, last: unknown): unknown =>
  levels === 0 ? last : wrap(deep(levels - 1, wrap, last))

const scalars = z.union([z.date(), z.bigint(), z.string(), z.number()])

const TwoWays: z.ZodType = z.lazy(() =>
  z.union([
    z.object({ c: TwoWays, at: z.date() }),
    z.object({ c: TwoWays, at: z.bigint() }),
    z.object({ c: TwoWays, at: z.string() }),
    z.date(),
  ]),
)
const Filter: z.ZodType = z.lazy(() =>
  z.union([
    z.strictObject({ all: z.array(Filter) }),
    z.strictObject({ any: z.array(Filter) }),
    z.strictObject({ not: Filter }),
    z.strictObject({ at: z.date() }),
  ]),
)
const ByGetter = z.object({
  at: z.union([z.date(), z.null()]),
  get c(): z.ZodType {
    return z.union([ByGetter, z.array(ByGetter), z.date()]).optional()
  },
})
const Both: z.ZodType = z.lazy(() =>
  z.union([z.object({ c: Both }).and(z.looseObject({ c: Both, at: z.date() })), z.date()]),
)
const Piped: z.ZodType = z.lazy(() =>
  z.union([z.object({ c: Piped, at: z.date() }).pipe(z.object({ c: Piped, at: z.date() })), z.date()]),
)
const Copied: z.ZodType = z.lazy(() =>
  z.union([
    z.preprocess((v) => (typeof v === 'object' ? { ...v } : v), z.object({ c: Copied, a: z.date() })),
    z.preprocess((v) => (typeof v === 'object' ? { ...v } : v), z.object({ c: Copied, b: z.date() })),
    z.date(),
  ]),
)
const Handed: z.ZodType = z.lazy(() =>
  z.union([z.preprocess((v) => v, z.object({ c: Handed, at: z.date() })), z.object({ c: Handed }), z.date()]),
)
const Turned: z.ZodType = z.lazy(() =>
  z.union([
    z.object({ c: Turned, at: z.date() }).transform((v) => ({ ...v })),
    z.object({ c: Turned, at: z.string() }).transform((v) => ({ ...v })),
    z.date(),
  ]),
)
const InTuple: z.ZodType = z.lazy(() =>
  z.union([
    z.tuple([InTuple, z.date()]),
    z.tuple([InTuple, z.bigint()]),
    z.tuple([InTuple], z.string()),
    z.date(),
  ]),
)
const InRecord: z.ZodType = z.lazy(() =>
  z.union([z.record(z.string(), InRecord), z.record(z.enum(['c']), InRecord), z.date()]),
)
const InMap: z.ZodType = z.lazy(() =>
  z.union([
    z.preprocess((v) => (Array.isArray(v) ? new Map(v) : v), z.map(z.string(), InMap)),
    z.preprocess((v) => (Array.isArray(v) ? new Set(v) : v), z.set(z.array(InMap))),
    z.date(),
  ]),
)
const Wrapped: z.ZodType = z.lazy(() =>
  z.union([
    z.object({ c: z.nullish(Wrapped).prefault(null).readonly() }).catch({ c: {} }),
    z.object({ c: Wrapped.optional().default(undefined) }),
    z.date(),
  ]),
)
const Refined: z.ZodType = z.lazy(() =>
  z.union([
    z.object({ c: Refined, at: z.date() }).refine(() => true),
    z.object({ c: Refined, at: z.string() }).superRefine(() => {}),
    z.date(),
  ]),
)
const RefinedLater: z.ZodType = z.lazy(() =>
  z.union([
    z.object({ c: RefinedLater, at: z.string() }).refine(async () => true),
    z.object({ c: RefinedLater, at: z.date() }).refine(async () => true),
    z.date(),
  ]),
)
const Tagged: z.ZodType = z.lazy(() =>
  z.discriminatedUnion('k', [
    z.object({ k: z.literal('a'), c: z.union([Tagged, z.date()]) }),
    z.object({ k: z.literal(1n), c: z.union([Tagged, z.date()]) }),
  ]),
)
const Exclusive: z.ZodType = z.lazy(() =>
  z.xor([z.object({ c: Exclusive, at: z.date() }), z.object({ c: Exclusive, at: z.bigint() }), z.date()]),
)
const Coded: z.ZodType = z.lazy(() =>
  z.union([
    z.codec(z.object({ c: Coded }), z.object({ c: z.unknown() }), {
      decode: (v) => ({ ...v }),
      encode: (v) => v,
    }),
    z.object({ c: Coded, at: z.date() }),
    z.date(),
  ]),
)

const c = (inner: unknown) => ({ c: inner, at: ISO })

const SHAPES: readonly [name: string, schema: z.ZodType, make: (size: number, last: unknown) => unknown][] = [
  ['a list of a union', z.array(scalars), (n, last) => wide(64 * n, (at) => `x${at}`, last)],
  ['a list of dates', z.array(z.date()), (n, last) => wide(64 * n, () => ISO, last)],
  [
    'a list of a nested union',
    z.array(z.union([z.union([scalars, z.array(scalars)]), z.object({ at: scalars })])),
    (n, last) => wide(64 * n, (at) => [{ at: ISO }, [ISO], ISO][at % 3], last),
  ],
  [
    'a list of a union of lists',
    z.array(z.union([z.array(z.date()), z.array(z.bigint())])),
    (n, last) => wide(16 * n, () => ['1', '2', '3'], [last]),
  ],
  ['a recursive union', TwoWays, (n, last) => deep(n, c, last)],
  [
    'a recursive union of lists',
    Filter,
    (n, last) => deep(n / 2, (inner) => ({ any: [{ at: ISO }, inner] }), last),
  ],
  [
    'a wide recursive union',
    Filter,
    (n, last) => ({ all: wide(64 * n, () => ({ not: { at: ISO } }), last) }),
  ],
  ['an object that holds itself by a getter', ByGetter, (n, last) => deep(n, c, last)],
  ['an intersection', Both, (n, last) => deep(n, c, last)],
  ['a preprocess that hands on', Handed, (n, last) => deep(n, c, last)],
  ['a transform', Turned, (n, last) => deep(n, c, last)],
  ['a tuple', InTuple, (n, last) => deep(n, (inner) => [inner, '12'], last)],
  ['a record', InRecord, (n, last) => deep(n, (inner) => ({ c: inner, d: ISO }), last)],
  [
    'a record of a union',
    z.record(z.string(), scalars),
    (n, last) => Object.fromEntries(wide(64 * n, () => ISO, last).map((v, at) => [`k${at}`, v])),
  ],
  ['wrappers', Wrapped, (n, last) => deep(n, (inner) => ({ c: inner }), last)],
  ['refinements', Refined, (n, last) => deep(n, c, last)],
  ['refinements that wait', RefinedLater, (n, last) => deep(n, c, last)],
  ['a discriminated union', Tagged, (n, last) => deep(n, (inner) => ({ k: '1', c: inner }), last)],
  ['an exclusive union', Exclusive, (n, last) => deep(n, c, last)],
  ['a codec', Coded, (n, last) => deep(n, (inner) => ({ c: inner }), last)],
  [
    'a list of template literals',
    z.array(z.union([z.templateLiteral(['n', z.number()]), z.date()])),
    (n, last) => wide(64 * n, (at) => `n${at}`, last),
  ],
  [
    'a list of rules of the app',
    z.array(z.union([z.instanceof(Date), z.unknown().refine((v) => v === 1)])),
    (n, last) => wide(64 * n, () => ISO, last),
  ],
  [
    'a list of coerced values',
    z.array(z.union([z.coerce.bigint(), z.coerce.date()])),
    (n, last) => wide(64 * n, () => ISO, last),
  ],
]

/** A function makes new values at each level, of which zod cannot know that it has seen them. */
const COPYING: typeof SHAPES = [
  ['a pipe through itself', Piped, (n, last) => deep(n, c, last)],
  ['a preprocess that copies', Copied, (n, last) => deep(n, (inner) => ({ c: inner, b: ISO }), last)],
  ['a map and a set', InMap, (n, last) => deep(n / 2, (inner) => [['k', inner]], last)],
]

describe('twice the input is twice the work', () => {
  it.each(SHAPES)('for %s', async (_name, schema, make) => {
    counted(schema)
    for (const last of [ISO, 'no date', BAD]) {
      const sizes = [8, 16, 30].map((size) => make(size, last))
      const [small = 0, double = 0, most = 0] = [
        await work(schema, sizes[0]),
        await work(schema, sizes[1]),
        await work(schema, sizes[2]),
      ]
      expect(double, `${small} → ${double} → ${most}`).toBeLessThan(2.5 * small)
      expect(most, `${small} → ${double} → ${most}`).toBeLessThan(2.5 * double)
    }
  })
})

describe('work that copies would multiply is ended', () => {
  it.each(COPYING)('for %s', async (_name, schema, make) => {
    counted(schema)
    for (const last of [ISO, 'no date', BAD]) {
      for (const size of [8, 16, 30]) expect(await work(schema, make(size, last))).toBeLessThan(300_000)
    }
  })

  it('and refused with a sentence', async () => {
    const parsed = await createParse(Copied)(deep(30, (inner) => ({ c: inner, b: new Date() }), 'no date'))
    const issue = { path: [], message: TooMuchWork.message, code: 'unacceptable', params: {} }
    expect(parsed).toEqual({ success: false, issues: [issue] })
  })
})
