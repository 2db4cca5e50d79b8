import { z } from 'zod'
import { type ColumnType, UNREADABLE } from './column-type.ts'

const NO_NEGATIVE_ZERO = 'must not be -0; give 0'
const SAFE = Number.MAX_SAFE_INTEGER
const INT64 = 2n ** 63n
const FLOAT32_DIGITS = 9

export const smallintType = integerType(-(2 ** 15), 2 ** 15 - 1)
export const intType = integerType(-(2 ** 31), 2 ** 31 - 1)
/** `bigint` as a number. */
export const int53Type: ColumnType = {
  ...integerType(-SAFE, SAFE),
  read: (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : UNREADABLE),
  incrementing: { amount: wholeAmount(), staysSafe: true },
}

function integerType(min: number, max: number): ColumnType {
  return {
    schema: z.int().gte(min).lte(max).refine(isNoNegativeZero, NO_NEGATIVE_ZERO),
    read: (value) => (typeof value === 'number' ? value : Number(value)),
    isComparable: true,
    incrementing: { amount: wholeAmount() },
  }
}

/** `bigint` as a bigint. */
export const int64Type: ColumnType = {
  schema: z
    .bigint()
    .gte(-INT64)
    .lte(INT64 - 1n),
  read: readBigint,
  isComparable: true,
  incrementing: { amount: wholeAmount() },
}

export const doubleType: ColumnType = {
  schema: z.number().refine(isNoNegativeZero, NO_NEGATIVE_ZERO),
  read: readFinite,
  isComparable: true,
  incrementing: { amount: z.number() },
}

/** Holds the decimals whose shortest text it gives back: 0.1 is one of them, 0.123456789 is not. */
export const realType: ColumnType = {
  schema: z
    .number()
    .refine(isNoNegativeZero, NO_NEGATIVE_ZERO)
    .refine(
      isFloat32,
      'must be a number that 32 bits hold, of about 6 digits; use doublePrecision() for more',
    ),
  read: readFinite,
  isComparable: true,
  incrementing: {
    amount: z.number().refine(isFloat32, 'must be a number that 32 bits hold, of about 6 digits'),
  },
}

/** Reads a whole number of any size. */
export function readBigint(value: unknown): unknown {
  return /^-?\d+$/.test(String(value)) ? BigInt(String(value)) : UNREADABLE
}

/** An amount may be negative where the field may not, and a sum out of range is the database's to refuse. */
export function wholeAmount(): z.ZodType {
  return z.union([z.int(), z.bigint()], 'must be a whole number that the field can hold exactly')
}

export function isNoNegativeZero(value: number): boolean {
  return !Object.is(value, -0)
}

function readFinite(value: unknown): unknown {
  const number = typeof value === 'number' ? value : Number(value)
  return Number.isFinite(number) ? number : UNREADABLE
}

/** Postgres writes a `real` with as few digits as tell it from its neighbours. */
function isFloat32(value: number): boolean {
  const stored = Math.fround(value)
  if (!Number.isFinite(stored)) return false
  for (let digits = 1; digits <= FLOAT32_DIGITS; digits += 1) {
    const written = Number(stored.toPrecision(digits))
    if (Math.fround(written) === stored) return written === value
  }
  return false
}
