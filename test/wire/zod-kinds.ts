import { z } from 'zod'

export const AT = new Date('2026-02-28T09:30:00.000Z')
const ISO = AT.toISOString()

type Kind = z.core.$ZodTypes['_zod']['def']['type']

export interface KindCase {
  readonly schema: z.ZodType
  /** As a client with types sends them; over REST their JSON. */
  readonly values: readonly unknown[]
  /** Values that mean two things once they are JSON, and what is read then. */
  readonly asText?: readonly unknown[]
}

const of = (schema: z.ZodType, ...values: readonly unknown[]): KindCase => ({ schema, values })
/** What else a caller may send to any of them. */
export const OTHERS: readonly unknown[] = [ISO, '12', 12, 'x', true, null, [], {}]

interface Tree {
  at: Date
  children?: Tree[] | undefined
}
const Tree: z.ZodType<Tree> = z.lazy(() =>
  z.strictObject({ at: z.date(), children: z.array(Tree).optional() }),
)

const isoToDate = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (at) => at.toISOString(),
})

/** Schemas of every kind that zod has; a kind that it gets one day does not compile here. */
const KINDS: Readonly<Record<Kind, readonly KindCase[]>> = {
  string: [
    of(z.string(), 'x', ISO, '12'),
    of(z.string().trim().toUpperCase(), ' x '),
    of(z.iso.datetime(), ISO),
    ...[
      z.guid(),
      z.uuid(),
      z.email(),
      z.url(),
      z.emoji(),
      z.nanoid(),
      z.cuid(),
      z.cuid2(),
      z.ulid(),
      z.xid(),
      z.ksuid(),
      z.iso.date(),
      z.iso.time(),
      z.iso.duration(),
      z.ipv4(),
      z.ipv6(),
      z.mac(),
      z.cidrv4(),
      z.cidrv6(),
      z.base64(),
      z.base64url(),
      z.e164(),
      z.creditCard(),
      z.iban(),
      z.jwt(),
      z.hex(),
      z.coerce.string(),
    ].map((schema) => of(schema, 'x', ISO, 'a@example.com', '2026-02-28', '127.0.0.1')),
  ],
  number: [of(z.number(), 1.5, '1.5'), of(z.int32(), 5, 5.5), of(z.coerce.number(), '5', 5)],
  boolean: [of(z.boolean(), true, 'true'), of(z.coerce.boolean(), 'x')],
  bigint: [
    of(z.bigint(), 12n, '12', 12, '012', '-0', '1.5', 'x'),
    of(z.int64(), 12n),
    of(z.coerce.bigint(), '12', 12n, 7),
  ],
  date: [
    of(z.date(), AT, ISO, '2026-02-28T10:30+01:00', '2026-02-28', AT.getTime(), 'x'),
    of(z.date().min(new Date('2030-01-01T00:00:00Z')), AT),
    of(z.coerce.date(), AT, ISO, AT.getTime(), '2026-02-28'),
  ],
  symbol: [of(z.symbol(), 'x')],
  undefined: [of(z.undefined(), 'x')],
  null: [of(z.null(), null, 'x')],
  void: [of(z.void(), 'x')],
  any: [
    of(z.any(), 'x', { a: [1] }),
    of(
      z.any().refine((value) => value instanceof Date),
      AT,
      'x',
    ),
    of(z.any().pipe(z.date()), AT, 'x'),
  ],
  unknown: [
    of(z.unknown(), 'x'),
    of(
      z.unknown().refine((value) => typeof value === 'bigint'),
      12n,
      '12',
      'x',
    ),
    of(
      z
        .unknown()
        .transform((value) => value)
        .pipe(z.bigint()),
      12n,
    ),
  ],
  never: [of(z.never(), 'x')],
  nan: [of(z.nan(), 'x', 1)],
  literal: [
    of(z.literal(['a', 1, true, null]), 'a', 1, null, '1'),
    of(z.literal(12n), 12n, '12', '13'),
    of(z.literal(['12', 12n]), '12'),
  ],
  enum: [of(z.enum(['a', 'b']), 'a', 'c')],
  file: [of(z.file(), 'x')],
  object: [
    of(
      z.strictObject({ a: z.date(), b: z.bigint() }),
      { a: AT, b: 12n },
      { a: ISO, b: '12' },
      { a: 'x', b: 1, c: 2 },
    ),
    of(z.looseObject({ a: z.date() }), { a: AT, b: ISO }),
    of(z.object({ a: z.string() }).catchall(z.date()), { a: ISO, b: AT }),
    of(z.strictObject({ a: z.date().optional() }), {}, { a: null }),
  ],
  array: [of(z.array(z.date()), [AT, ISO], [AT, 'x'], {}), of(z.array(z.array(z.bigint())), [[12n], ['12']])],
  tuple: [of(z.tuple([z.date(), z.string()], z.bigint()), [AT, ISO, 12n, '12'], [AT])],
  record: [
    of(z.record(z.string(), z.date()), { a: AT, b: ISO }, { a: 'x' }),
    of(z.partialRecord(z.enum(['a', 'b']), z.bigint()), { a: 12n }, { c: 12n }),
  ],
  map: [
    of(z.map(z.string(), z.date()), [['a', ISO]]),
    of(
      z.preprocess((value) => new Map(value as [unknown, unknown][]), z.map(z.bigint(), z.date())),
      [[12n, AT]],
    ),
  ],
  set: [
    of(z.set(z.date()), [AT]),
    of(
      z.preprocess((value) => new Set(value as unknown[]), z.set(z.date())),
      [AT],
    ),
  ],
  union: [
    of(z.union([z.date(), z.number()]), AT, 5, 'x'),
    { ...of(z.union([z.date(), z.bigint(), z.string()]), 'x'), asText: [AT, 12n] },
    {
      ...of(z.union([z.object({ a: z.date() }), z.object({ a: z.string() })]), { a: 'x' }),
      asText: [{ a: AT }],
    },
    of(z.union([z.date(), z.string().max(5)]), AT, 'x'),
    of(
      z.discriminatedUnion('k', [
        z.object({ k: z.literal('at'), v: z.date() }),
        z.object({ k: z.literal('text'), v: z.string() }),
        z.object({ k: z.literal(12n), v: z.bigint() }),
      ]),
      { k: 'at', v: AT },
      { k: 'text', v: ISO },
      { k: 12n, v: 12n },
      { k: 'other', v: 1 },
    ),
    of(z.xor([z.date(), z.number()]), AT, 5, 'x'),
  ],
  intersection: [
    of(z.looseObject({ a: z.date() }).and(z.looseObject({ b: z.bigint() })), { a: AT, b: 12n }, { a: AT }),
  ],
  optional: [
    of(z.date().optional(), AT, 'x'),
    of(z.date().exactOptional(), AT, 'x'),
    of(z.strictObject({ a: z.date().exactOptional() }), { a: AT }, {}),
  ],
  nullable: [of(z.date().nullable(), AT, null), of(z.bigint().nullish(), 12n, null)],
  default: [
    of(z.date().default(AT), AT, 'x'),
    of(z.strictObject({ a: z.bigint().default(1n) }), {}, { a: 12n }),
  ],
  prefault: [of(z.date().prefault(AT), AT, 'x'), of(z.strictObject({ a: z.string().prefault('p') }), {})],
  catch: [of(z.date().catch(AT), new Date(0), 'x'), of(z.bigint().catch(0n), 12n, 'x')],
  nonoptional: [of(z.date().optional().nonoptional(), AT, 'x')],
  readonly: [of(z.array(z.date()).readonly(), [AT])],
  success: [of(z.success(z.date()), AT, 'x')],
  promise: [of(z.promise(z.date()), 'x')],
  lazy: [
    of(
      z.lazy(() => z.date()),
      AT,
      'x',
    ),
    of(Tree, { at: AT, children: [{ at: AT }] }, { at: AT, children: [{ at: 'x' }] }),
  ],
  pipe: [
    of(
      z.date().transform((at) => at.getTime()),
      AT,
      'x',
    ),
    of(
      z
        .string()
        .transform((text) => new Date(text))
        .pipe(z.date()),
      ISO,
      'x',
    ),
    of(
      z
        .string()
        .transform((text): unknown => text.trim())
        .pipe(z.date() as never),
      ISO,
      'x',
    ),
    of(
      z
        .union([z.string(), z.date()])
        .transform((value) => new Date(value))
        .pipe(z.date()),
      ISO,
      AT,
    ),
    of(
      z.preprocess((value) => value, z.date()),
      AT,
      ISO,
      'x',
    ),
    of(
      z.preprocess((value) => (value === '' ? undefined : value), z.date().optional()),
      AT,
      '',
    ),
    of(
      z.preprocess((value) => (typeof value === 'string' ? new Date(value) : value), z.date()),
      AT,
      ISO,
    ),
    of(
      z.preprocess((value) => value, z.strictObject({ a: z.array(z.date()) })),
      { a: [AT] },
      { a: ['x'] },
    ),
    of(
      z.preprocess((value) => String(value), z.string()),
      'x',
    ),
    of(isoToDate, ISO, 'x'),
    of(z.stringbool(), 'yes', 'maybe'),
    of(
      z.strictObject({ a: z.bigint() }).transform(({ a }) => a + 1n),
      { a: 12n },
    ),
  ],
  transform: [
    of(
      z.transform((value) => typeof value),
      'x',
      1,
    ),
  ],
  template_literal: [of(z.templateLiteral(['n-', z.number()]), 'n-1', 'x', ISO)],
  function: [of(z.function() as unknown as z.ZodType, 'x')],
  custom: [
    of(z.instanceof(Date), AT, 'x'),
    of(
      z.custom<bigint>((value) => typeof value === 'bigint'),
      12n,
      'x',
    ),
    of(
      z.custom<string>((value) => typeof value === 'string'),
      ISO,
      1,
    ),
  ],
}

/** Every case, under a name of its own. */
export const CASES = Object.entries(KINDS).flatMap(([kind, cases]) =>
  cases.map((each, at) => ({ ...each, name: `${kind.replace('_', '')}${at}` })),
)
