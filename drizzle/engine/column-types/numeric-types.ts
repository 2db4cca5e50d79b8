import { z } from 'zod'
import { type Description, type Refusal, UNREADABLE } from './column-type.ts'
import { fitsDigits, isSameDecimal } from './decimal-text.ts'
import { isNoNegativeZero, readBigint, wholeAmount } from './number-types.ts'

/** What Postgres is sure to hold in a `numeric` without a precision. */
const MAX_DIGITS = 1_000
/** Every decimal of so many digits comes back from a double. */
const DOUBLE_DIGITS = 15
/** As many as travel. */
const BIGINT_DIGITS = 40
const DECIMAL = /^-?(?:0|[1-9]\d{0,999})(?:\.\d{1,1000})?$/

const NEGATIVE_ZERO = /^-[0.]*$/

interface NumericColumn {
  readonly precision: number | undefined
  readonly scale: number | undefined
}

interface Digits {
  readonly whole: number
  readonly fraction: number
}

/** A decimal as text: as many digits as the column has, and none is lost. */
export function numericType(column: NumericColumn): Description {
  const digits = digitsOf(column)
  if ('refused' in digits) return digits
  const { whole, fraction } = digits
  const rule =
    column.precision === undefined
      ? 'must be a decimal such as "12.5", without zeros before it'
      : `must be a decimal of at most ${whole} digits before the point and ${fraction} after it, such as "12"`
  const isExact = (text: string) =>
    DECIMAL.test(text) &&
    !NEGATIVE_ZERO.test(text) &&
    fitsDigits(text, whole, fraction) &&
    scaleOf(text) <= fraction
  const schema = z.string().refine(isExact, rule)
  return {
    schema,
    operand: z.string().regex(/^-?\d{1,1000}(?:\.\d{1,1000})?$/, 'must be a decimal such as "12.5"'),
    read: String,
    isComparable: true,
    incrementing: {
      amount: z.union(
        [schema, numberOf(digits, rule)],
        'must be a decimal that the field can hold exactly, such as "0.5"',
      ),
    },
  }
}

/** A decimal as a number. */
export function numericNumberType(column: NumericColumn): Description {
  const digits = digitsOf(column)
  if ('refused' in digits) return digits
  if (column.precision === undefined || column.precision > DOUBLE_DIGITS) {
    return {
      refused: `must name a precision of at most ${DOUBLE_DIGITS}, as many digits as a number keeps; leave the mode out to have decimals as text`,
    }
  }
  const { whole, fraction } = digits
  const rule = `must have at most ${whole} digits before the point and ${fraction} after it`
  return {
    schema: numberOf(digits, rule),
    operand: z
      .number()
      .refine((value) => Number.isSafeInteger(value) || !Number.isInteger(value), 'has lost digits'),
    read: readNumber,
    isComparable: true,
    incrementing: { amount: numberOf(digits, rule) },
  }
}

/** A whole number of any size as a bigint. */
export function numericBigintType(column: NumericColumn): Description {
  const digits = digitsOf(column)
  if ('refused' in digits) return digits
  if (column.precision !== undefined && digits.fraction > 0)
    return {
      refused:
        'must have the scale 0, since a bigint has no fraction; leave the mode out to have decimals as text',
    }
  const whole = Math.min(digits.whole, BIGINT_DIGITS)
  const bound = 10n ** BigInt(whole)
  const fits = (value: bigint) => value < bound && value > -bound
  return {
    schema: z.bigint().refine(fits, `must have at most ${whole} digits`),
    operand: z.bigint(),
    read: readWhole,
    isComparable: true,
    incrementing: { amount: wholeAmount() },
  }
}

function numberOf({ whole, fraction }: Digits, rule: string): z.ZodType<number> {
  return z
    .number()
    .refine(isNoNegativeZero, 'must not be -0; give 0')
    .refine((value) => fitsDigits(String(value), whole, fraction), rule)
}

function digitsOf({ precision, scale = 0 }: NumericColumn): Digits | Refusal {
  if (precision === undefined) {
    if (scale !== 0)
      return { refused: 'names a scale without a precision, which the database never hears of; name both' }
    return { whole: MAX_DIGITS, fraction: MAX_DIGITS }
  }
  if (!(precision >= 1 && precision <= MAX_DIGITS && scale >= 0 && scale <= precision))
    return { refused: `must have a precision of 1 to ${MAX_DIGITS} and a scale of 0 to the precision` }
  return { whole: precision - scale, fraction: scale }
}

function scaleOf(text: string): number {
  return text.split('.')[1]?.length ?? 0
}

/** Others than Deputy may have stored more digits than a number has. */
function readNumber(value: unknown): unknown {
  const text = String(value)
  const number = Number(text)
  return isSameDecimal(text, String(number)) ? number : UNREADABLE
}

function readWhole(value: unknown): unknown {
  return readBigint(String(value).replace(/\.0+$/, ''))
}
