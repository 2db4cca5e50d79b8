import fc from 'fast-check'

const RESERVED = new Set(['__proto__', 'constructor', 'prototype'])

/** Well-formed text without NUL, rich in what superjson escapes in its paths. */
const text = fc.string({
  unit: fc.oneof(fc.constantFrom('.', '\\', '0', '1'), fc.string({ unit: 'binary' })),
  maxLength: 8,
})
export const storableText = text.map((value) => value.replaceAll('\0', ''))
export const key = storableText.filter((value) => !RESERVED.has(value))

export const instant = fc.date({
  min: new Date('0001-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})
export const decimal = fc.bigInt({ min: -(10n ** 40n) + 1n, max: 10n ** 40n - 1n })

const safeNumber = fc.oneof(
  fc.maxSafeInteger(),
  fc.constant(-0),
  fc
    .double({ noDefaultInfinity: true, noNaN: true })
    .filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n)),
)

/** Whatever both transports may carry: JSON with Date, bigint, undefined and -0 anywhere in it. */
export const plainData = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      storableText,
      safeNumber,
      fc.boolean(),
      fc.constant(null),
      fc.constant(undefined),
      instant,
      decimal,
    ),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value

/** What a value becomes on its way through HTTP. */
export function overTheWire(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** JSON text of arrays standing inside each other. */
export function nestedArrays(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}
