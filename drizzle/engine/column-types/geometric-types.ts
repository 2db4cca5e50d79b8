import { z } from 'zod'
import { type ColumnType, UNREADABLE } from './column-type.ts'
import { isNoNegativeZero } from './number-types.ts'

const coordinate = z.number().refine(isNoNegativeZero, 'must not be -0; give 0')
const isLine = (a: number, b: number) => a !== 0 || b !== 0
const NO_LINE = 'must be a line: of its first two numbers one at least is not 0'

export const pointType = shape(z.tuple([coordinate, coordinate]), (numbers) => numbers, 2)
export const pointObjectType = shape(
  z.strictObject({ x: coordinate, y: coordinate }),
  ([x, y]) => ({ x, y }),
  2,
)

/** Ax + By + C = 0 */
export const lineType = shape(
  z.tuple([coordinate, coordinate, coordinate]).refine(([a, b]) => isLine(a, b), NO_LINE),
  (numbers) => numbers,
  3,
)
export const lineObjectType = shape(
  z.strictObject({ a: coordinate, b: coordinate, c: coordinate }).refine(({ a, b }) => isLine(a, b), NO_LINE),
  ([a, b, c]) => ({ a, b, c }),
  3,
)

/** Doubles, written as `(1,2)` or `{1,2,3}`. Postgres has no order for them, and compares points by nearness. */
function shape(schema: z.ZodType, build: (numbers: number[]) => unknown, size: number): ColumnType {
  return {
    schema,
    read: (value) => {
      const numbers = String(value).slice(1, -1).split(',').map(Number)
      return numbers.length === size && numbers.every(Number.isFinite) ? build(numbers) : UNREADABLE
    },
    isComparable: false,
  }
}
