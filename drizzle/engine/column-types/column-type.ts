import type { z } from 'zod'

/** What a reader answers for a stored value that no answer could carry as it is, such as `infinity` for a Date. */
export const UNREADABLE: unique symbol = Symbol('deputy.unreadable')

/** How `increment` adds to a column. */
export interface Incrementing {
  /** Checks what is added. */
  readonly amount: z.ZodType
  /** Whether a sum beyond ±(2^53 - 1), which a number would not hold, must fail. @default false */
  readonly staysSafe?: boolean
}

/** All that Deputy needs to know of a column's type to keep its values exactly. None of it is about NULL. */
export interface ColumnType {
  /** Takes exactly the values that come back as they went in. */
  readonly schema: z.ZodType
  /** Takes the values that a column can be compared with. @default schema */
  readonly operand?: z.ZodType
  /** Reads a value as either driver hands it over; an element of an array is always text. */
  readonly read: (value: unknown) => unknown
  /** Whether `where` can compare values, and a list be ordered by them. */
  readonly isComparable: boolean
  /** @default the type cannot be incremented */
  readonly incrementing?: Incrementing
  /** Of an array: its elements. */
  readonly element?: ColumnType
}

/** Why a column cannot be a field, as the end of a sentence that begins with the field. */
export interface Refusal {
  readonly refused: string
}

export type Description = ColumnType | Refusal
